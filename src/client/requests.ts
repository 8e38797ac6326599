import { onAbort } from "./abort.ts";
import { ChatError } from "./errors.ts";
import type { Reply } from "./frames.ts";
import type { Clock } from "./ports.ts";
import { pauseAfter } from "./reconnect.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Questions that change nothing, so that they are simply asked again through whatever happens. */
export interface Requests {
  /** @throws {ChatError} how the server refused it. @throws the reason of `signal`. */
  ask(command: Fields, signal?: AbortSignal): Promise<Fields>;
  /** Asks what can be asked now. */
  pump(): void;
  clear(error: ChatError): void;
}

interface Question {
  readonly command: Fields;
  /** Asked already, or waiting to be asked again. */
  busy: boolean;
  refusals: number;
  resolve(answer: Fields): void;
  reject(error: unknown): void;
}

interface RequestsOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly open: () => boolean;
  ask(command: Fields, reply: (reply: Reply) => void): void;
}

export function createRequests(options: RequestsOptions): Requests {
  const questions = new Set<Question>();

  const pump = () => {
    for (const question of questions) if (!question.busy && options.open()) put(question);
  };

  const put = (question: Question) => {
    question.busy = true;
    options.ask(question.command, (reply) => {
      question.busy = false;
      if (!questions.has(question)) return;
      if (!(reply instanceof ChatError)) return question.resolve(reply);
      if (reply.code === "disconnected") return; // asked again on the next socket
      if (!reply.retryable) return question.reject(reply);
      question.busy = true;
      options.clock.after(pauseAfter(reply, question.refusals++, options.random()), () => {
        question.busy = false;
        pump();
      });
    });
  };

  return {
    async ask(command, signal) {
      const { promise, resolve, reject } = Promise.withResolvers<Fields>();
      const question: Question = { command, busy: false, refusals: 0, resolve, reject };
      const off = onAbort(signal, () => reject(signal?.reason));
      questions.add(question);
      pump();
      return promise.finally(() => {
        questions.delete(question);
        off();
      });
    },
    pump,
    clear(error) {
      for (const { reject } of questions) reject(error);
    },
  };
}
