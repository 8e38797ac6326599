import { ChatError } from "./errors.ts";
import { errorIn, parse } from "./frames.ts";
import type { Ports } from "./ports.ts";
import { named } from "./reconnect.ts";

/** How long an answer may take, in milliseconds. */
const LIMIT_MS = 15_000;

export interface HttpCall {
  readonly body?: unknown;
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
    signal?.throwIfAborted();
    const control = new AbortController();
    const abort = () => control.abort();
    signal?.addEventListener("abort", abort);
    const cancel = clock.after(LIMIT_MS, abort);
    try {
      const response = await fetch(new URL(path, base).href, {
        method,
        headers: {
          ...(body !== undefined && { "content-type": "application/json" }),
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        cache: "no-store",
        signal: control.signal,
      });
      return answerOf(response, await response.text());
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof ChatError) throw error;
      throw new ChatError("unreachable", `${base.host} cannot be reached.`, { retryable: true });
    } finally {
      cancel();
      signal?.removeEventListener("abort", abort);
    }
  };

function answerOf({ status, ok, headers }: Response, text: string): unknown {
  if (status === 204) return undefined;
  const fields = parse(text);
  if (typeof fields !== "object" || fields === null || (!ok && !("code" in fields)))
    throw new ChatError("bad_answer", `The answer (${status}) is not one of a chat server.`, {
      status,
      // Most often a proxy in front of a server that is away.
      retryable: true,
      retryAfterMs: named(Number(headers.get("retry-after")) * 1000) || undefined,
    });
  if (!ok) throw errorIn(fields as Record<string, unknown>, status);
  return fields;
}
