import { type Chat, ChatError } from "../../client/index.ts";

interface Problem {
  readonly code?: string;
  readonly detail?: string;
  readonly retryable?: boolean;
  readonly retryAfterMs?: number;
  readonly errors?: Readonly<Record<string, readonly string[]>>;
}

interface Call {
  readonly body?: object;
  readonly signal?: AbortSignal;
}

/** Makes a request about the account, which the client has no method for. @throws {ChatError} @throws the reason of `signal`. */
export async function request(
  chat: Pick<Chat, "token">,
  method: string,
  path: string,
  call: Call = {},
): Promise<Response> {
  const token = await chat.token();
  let response = await ask(method, path, call, token);
  // The token may have expired. A new one makes no difference to a wrong password, which has another status.
  if (response.status === 401) response = await ask(method, path, call, await chat.token({ refused: token }));
  return accepted(response);
}

/** Makes a request that needs no session. @throws {ChatError} */
export const post = async (path: string, body?: object): Promise<Response> =>
  accepted(await ask("POST", path, body ? { body } : {}));

const ask = (method: string, path: string, { body, signal }: Call, token?: string) =>
  fetch(path, {
    method,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body && { "content-type": "application/json" }),
    },
    body: body ? JSON.stringify(body) : null,
    signal: signal ?? null,
  }).catch(() => {
    signal?.throwIfAborted();
    throw new ChatError("unreachable", "The server cannot be reached.", { retryable: true });
  });

async function accepted(response: Response): Promise<Response> {
  if (response.ok) return response;
  const { code = "bad_answer", detail = "", ...more } = (await response.json().catch(() => ({}))) as Problem;
  throw new ChatError(code as ChatError["code"], detail, {
    retryable: more.retryable === true,
    retryAfterMs: more.retryAfterMs,
    status: response.status,
    errors: more.errors,
  });
}
