import { onAbort } from "./abort.ts";
import type { Connection, Fields } from "./connection.ts";
import { deferred } from "./deferred.ts";
import { ChatError } from "./errors.ts";
import type { Ports } from "./ports.ts";
import { pauseAfter } from "./reconnect.ts";

/** Commands that change nothing. They are idempotent, so they are simply sent again until the server replies. */
export interface Queries {
  /** @throws {ChatError} the server's refusal. @throws the reason of `signal`. */
  ask(command: Fields, signal?: AbortSignal): Promise<Fields>;
  /** Sends whatever can be sent now. */
  pump(): void;
  /** Rejects all, now and from now on. */
  close(error: ChatError): void;
}

interface Query {
  readonly command: Fields;
  /** Sent, or waiting for a retry. */
  busy: boolean;
  refusals: number;
  resolve(reply: Fields): void;
  reject(error: unknown): void;
}

export function createQueries(
  { clock, random }: Pick<Ports, "clock" | "random">,
  connection: Pick<Connection, "open" | "ask">,
): Queries {
  const queries = new Set<Query>();
  let closed: ChatError | undefined;

  const pump = () => {
    for (const query of queries) if (!query.busy && connection.open) send(query);
  };

  const send = (query: Query) => {
    query.busy = true;
    connection.ask(query.command, (reply) => {
      query.busy = false;
      if (!queries.has(query)) return;
      if (!(reply instanceof ChatError)) return query.resolve(reply);
      if (reply.code === "disconnected") return; // Sent again on the next socket.
      if (!reply.retryable) return query.reject(reply);
      query.busy = true;
      clock.after(pauseAfter(reply, query.refusals++, random()), () => {
        query.busy = false;
        pump();
      });
    });
  };

  return {
    async ask(command, signal) {
      if (closed) throw closed;
      const { promise, resolve, reject } = deferred<Fields>();
      const query: Query = { command, busy: false, refusals: 0, resolve, reject };
      const off = onAbort(signal, () => reject(signal?.reason));
      queries.add(query);
      pump();
      return promise.finally(() => {
        queries.delete(query);
        off();
      });
    },
    pump,
    close(error) {
      closed = error;
      for (const { reject } of queries) reject(error);
    },
  };
}
