import { onAbort } from "./abort.ts";
import type { Address } from "./address.ts";
import { ChatError, passing } from "./errors.ts";
import { errorIn, parse, shape } from "./frames.ts";
import type { Ports } from "./ports.ts";
import { serverDelay } from "./reconnect.ts";

/** Timeout of a request, in milliseconds. */
const LIMIT_MS = 15_000;

export interface HttpCall {
  readonly body?: object;
  readonly token?: string;
  readonly signal?: AbortSignal | undefined;
}

export interface HttpResponse {
  /** Parsed JSON. Absent if the status is 204. */
  readonly body?: unknown;
  readonly headers: Headers;
}

/**
 * Makes one request: `http("POST", "account/login/", { body })`.
 * @throws {ChatError} the error in the response; `unreachable`; `bad_answer` if the response is not Parley's.
 * @throws the reason of `signal`.
 */
export type Http = (method: string, path: string, call?: HttpCall) => Promise<HttpResponse>;

export const createHttp =
  ({ base, error: wrong }: Address, { fetch, clock }: Pick<Ports, "fetch" | "clock">): Http =>
  async (method, path, { body, token, signal } = {}) => {
    if (wrong) throw wrong;
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
        body: body ? JSON.stringify(body) : null,
        signal: control.signal,
      });
      return await readResponse(response);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof ChatError) throw error;
      throw passing("unreachable", `${base.host} cannot be reached.`);
    } finally {
      cancel();
      off();
    }
  };

/** Parley's errors have `retryable`. Those of a proxy or another server do not. */
const isProblem = shape("code retryable:flag");

/** Returns what a response says. @throws {ChatError} */
export async function readResponse(response: Response): Promise<HttpResponse> {
  const { status, ok, headers } = response;
  if (status === 204) return { headers };
  const body = parse(await response.text());
  if (typeof body !== "object" || body === null || !(ok || isProblem(body)))
    // Most often a proxy in front of a server that is down.
    throw passing("bad_answer", `Unexpected response (${status}).`, {
      status,
      retryAfterMs: serverDelay(Number(headers.get("retry-after")) * 1000),
    });
  if (!ok) throw errorIn(body as Record<string, unknown>, status);
  return { body, headers };
}
