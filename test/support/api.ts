import { holdExchange } from "./contract.ts";

/** A response of a server; `body` is the parsed JSON, or undefined if the text is not JSON. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: unknown;
}

export interface Call {
  readonly token?: string | undefined;
  /** Sent as JSON, except a string, bytes or a stream, which are sent as they are. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Calls a server over HTTP: `api(server, "POST /account/login/", { body })`. Verifies the exchange against the OpenAPI
 * document.
 */
export async function api(server: { url: string }, target: string, call: Call = {}): Promise<Answer> {
  const [method = "", path = ""] = target.split(" ");
  const { token, body } = call;
  const raw = typeof body === "string" || body instanceof Uint8Array || body instanceof ReadableStream;
  const sent = raw ? (typeof body === "string" ? body : undefined) : JSON.stringify(body);
  const response = await fetch(server.url + path, {
    method,
    redirect: "manual",
    headers: {
      ...(body !== undefined && { "content-type": "application/json" }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...call.headers,
    },
    ...(body !== undefined && { body: raw ? (body as BodyInit) : sent }),
  });
  const text = await response.text();
  holdExchange({ method, target: path, sent, status: response.status, headers: response.headers, text });
  return { status: response.status, headers: response.headers, text, body: jsonOf(text) };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
