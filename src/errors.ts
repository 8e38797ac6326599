import { type ErrorCode, ERRORS } from "./protocol/codes.ts";

export interface RefusalDetail {
  /** One sentence for a person; never quotes input or a secret. */
  readonly detail?: string;
  /** What is wrong with each field of the input. */
  readonly errors?: Readonly<Record<string, readonly string[]>>;
  /** When a retry may succeed, in milliseconds. */
  readonly retryAfterMs?: number;
  /** Further response headers, over HTTP. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request that is answered with an error of the table in protocol/codes.ts. Anything else that is thrown is a fault of ours. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  constructor(
    readonly code: ErrorCode,
    readonly more: RefusalDetail = {},
  ) {
    super(more.detail ?? ERRORS[code].text);
  }
}

/** The refusal that a thrown value is answered with: itself, or `internal`, which says nothing of its cause. */
export const refusalOf = (thrown: unknown): Refusal =>
  thrown instanceof Refusal ? thrown : new Refusal("internal");

/** The body of an RFC 9457 problem document. */
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
  };
}

/** The HTTP response of a refusal: a problem document with the headers that belong to its code. */
export function problemResponse(refusal: Refusal): Response {
  const problem = problemOf(refusal);
  const headers = new Headers({ "content-type": "application/problem+json", "cache-control": "no-store" });
  if (problem.status === 401) headers.set("www-authenticate", challenge(refusal.code));
  if (refusal.more.retryAfterMs !== undefined)
    headers.set("retry-after", String(Math.ceil(refusal.more.retryAfterMs / 1000)));
  for (const [name, value] of Object.entries(refusal.more.headers ?? {})) headers.set(name, value);
  return new Response(JSON.stringify(problem), { status: problem.status, headers });
}

/** RFC 6750, section 3: a request without a token is told the scheme alone, one with a bad token what is wrong. */
const challenge = (code: ErrorCode) =>
  code === "token_missing" || code === "invalid_credentials"
    ? 'Bearer realm="parley"'
    : `Bearer realm="parley", error="invalid_token", error_description="${ERRORS[code].text}"`;

/** What an error frame says of a refusal. */
export const errorOf = ({ code, message, more }: Refusal) => ({
  code,
  message,
  retryable: ERRORS[code].retryable,
  ...(more.retryAfterMs !== undefined && { retryAfterMs: more.retryAfterMs }),
});

/** What may be logged of a fault of ours, from the error down to its cause. */
export interface Fault {
  readonly name: string;
  /** Left out where a database is behind it: its messages quote what was stored, emails and passwords' hashes included. */
  readonly message?: string;
  /** A code of the system or an SQLSTATE. */
  readonly code?: string;
  readonly stack: readonly string[];
}

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
