import { onAbort } from "./abort.ts";
import { ChatError, passing } from "./errors.ts";
import { errorIn, parse, shape } from "./frames.ts";
import type { Ports } from "./ports.ts";
import { named } from "./reconnect.ts";

/** How long an answer may take, in milliseconds. */
const LIMIT_MS = 15_000;

export interface HttpCall {
  readonly body?: object;
  readonly token?: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * One request: `http("POST", "account/login/", { body })`. Answers the JSON of the answer, undefined where it has none.
 * @throws {ChatError} what the server answered; `unreachable`; `bad_answer` where what answered is no Parley.
 * @throws the reason of `signal`.
 */
export type Http = (method: string, path: string, call?: HttpCall) => Promise<unknown>;

export const createHttp =
  (base: URL, { fetch, clock }: Pick<Ports, "fetch" | "clock">): Http =>
  async (method, path, { body, token, signal } = {}) => {
    const control = new AbortController();
    const abort = () => control.abort();
    const off = onAbort(signal, abort);
    const cancel = clock.after(LIMIT_MS, abort);
    try {
      const response = await fetch(new URL(path, base).href, {
        method,
        headers: {
          ...(body && { "content-type": "application/json" }),
          ...(token && { authorization: `Bearer ${token}` }),
        },
        ...(body && { body: JSON.stringify(body) }),
        signal: control.signal,
      });
      return answerOf(response, await response.text());
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof ChatError) throw error;
      throw passing("unreachable", `${base.host} cannot be reached.`);
    } finally {
      cancel();
      off();
    }
  };

/** Ours say whether to try again; those of a proxy or of another server do not. */
const isProblem = shape("code:text retryable:flag");

function answerOf({ status, ok, headers }: Response, text: string): unknown {
  if (status === 204) return undefined;
  const fields = parse(text);
  if (typeof fields !== "object" || fields === null || !(ok || isProblem(fields)))
    // Most often a proxy in front of a server that is away.
    throw passing("bad_answer", `The answer (${status}) is not one of a chat server.`, {
      status,
      retryAfterMs: named(Number(headers.get("retry-after")) * 1000) || undefined,
    });
  if (!ok) throw errorIn(fields as Record<string, unknown>, status);
  return fields;
}
