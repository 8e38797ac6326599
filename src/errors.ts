import { DATA_HEADERS } from "./headers.ts";
import { type ErrorCode, ERRORS } from "./protocol/codes.ts";

export interface RefusalDetail {
  /** One sentence for a person. Must not quote input or secrets. */
  readonly detail?: string;
  /** The problems of each input field. */
  readonly errors?: Readonly<Record<string, readonly string[]>>;
  /** How long to wait before a retry, in milliseconds. */
  readonly retryAfterMs?: number;
  /** The token does not allow it, whoever the person is. A newer token may. */
  readonly claim?: true;
  /** The scope that a key lacks. */
  readonly scope?: string;
  /** Additional headers of an HTTP response. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Rejects a request with a code of protocol/codes.ts. Anything else that is thrown is an internal error. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  constructor(
    readonly code: ErrorCode,
    readonly more: RefusalDetail = {},
  ) {
    super(more.detail ?? ERRORS[code].text);
  }
}

/** Returns the refusal of input with faults, which its detail names: `content is required`. */
export const invalid = (errors: Readonly<Record<string, readonly string[]>>): Refusal =>
  new Refusal("invalid", {
    detail: Object.entries(errors)
      .map(([field, [fault]]) => `${field} ${fault}`)
      .join("; "),
    errors,
  });

/** Returns the refusal to send for a thrown value: itself, or `internal`, which does not reveal the cause. */
export const refusalOf = (thrown: unknown): Refusal =>
  thrown instanceof Refusal ? thrown : new Refusal("internal");

/** Returns a refusal as an RFC 9457 problem document. */
export function problemOf({ code, message, more }: Refusal) {
  const { status, retryable, text } = ERRORS[code];
  return {
    type: "about:blank",
    title: text,
    status,
    code,
    retryable,
    detail: message,
    ...(more.errors && { errors: more.errors }),
    ...(more.retryAfterMs !== undefined && { retryAfterMs: more.retryAfterMs }),
    ...(more.claim && { claim: more.claim }),
    ...(more.scope !== undefined && { scope: more.scope }),
  };
}

/** Returns the HTTP response of a refusal: a problem document with the headers that its code requires. */
export function problemResponse(refusal: Refusal): Response {
  const problem = problemOf(refusal);
  const headers = new Headers({
    ...DATA_HEADERS,
    "content-type": "application/problem+json",
    "cache-control": "no-store",
  });
  if (problem.status === 401) headers.set("www-authenticate", challenge(refusal.code));
  if (refusal.more.retryAfterMs !== undefined)
    headers.set("retry-after", String(Math.ceil(refusal.more.retryAfterMs / 1000)));
  for (const [name, value] of Object.entries(refusal.more.headers ?? {})) headers.set(name, value);
  return new Response(JSON.stringify(problem), { status: problem.status, headers });
}

/** RFC 6750, section 3: without a token the challenge is only the scheme, with a bad one also an error. */
const challenge = (code: ErrorCode) =>
  code === "token_missing" || code === "invalid_credentials"
    ? 'Bearer realm="parley"'
    : `Bearer realm="parley", error="invalid_token", error_description="${ERRORS[code].text}"`;

/** Returns the content of an error frame for a refusal. */
export const errorOf = ({ code, message, more }: Refusal) => ({
  code,
  message,
  retryable: ERRORS[code].retryable,
  ...(more.retryAfterMs !== undefined && { retryAfterMs: more.retryAfterMs }),
  ...(more.claim && { claim: more.claim }),
});

/** The loggable part of an internal error or one of its causes. */
export interface Fault {
  readonly name: string;
  /** Omitted for database errors, whose messages quote stored data, including emails and password hashes. */
  readonly message?: string;
  /** A system error code or SQLSTATE. */
  readonly code?: string;
  readonly stack: readonly string[];
}

/** Returns the loggable parts of a thrown value, from the error down through its causes, at most five. */
export function faultOf(thrown: unknown): Fault[] {
  const faults: Fault[] = [];
  for (let error = thrown; error instanceof Error && faults.length < 5; error = error.cause) {
    const { errno, code } = error as { errno?: unknown; code?: unknown };
    const known = [errno, code].find((value) => typeof value === "string");
    const ofDatabase =
      error.name.startsWith("Drizzle") || "query" in error || /^[0-9A-Z]{5}$/.test(String(known));
    faults.push({
      name: error.name,
      ...(!ofDatabase && { message: error.message }),
      ...(known !== undefined && { code: String(known) }),
      stack: error.stack?.split("\n").filter((line) => /^ {4}at /.test(line)) ?? [],
    });
  }
  return faults.length > 0 ? faults : [{ name: typeof thrown, stack: [] }];
}
