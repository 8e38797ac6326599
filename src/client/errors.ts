import type { ErrorCode } from "../protocol/codes.ts";

/** What goes wrong on this side of the wire. */
export type ClientErrorCode =
  /** Nobody is signed in. */
  | "signed_out"
  /** The product's own `tokens` function failed. */
  | "token_failed"
  /** The server could not be reached, or said nothing in time. */
  | "unreachable"
  /** The connection ended. */
  | "disconnected"
  /** What answered does not speak the protocol: a proxy's page, perhaps, or another server. */
  | "bad_answer"
  /** More waits to be sent than may. */
  | "outbox_full"
  /** The server's history is another one since (its database was restored): the id may mean another message now. */
  | "stale_epoch"
  /** Who reads an iteration is too slow for what comes. */
  | "too_slow"
  /** The chat, or the room, was closed here. */
  | "closed"
  /** The server ended the connection because of what the client sent. */
  | "protocol"
  /** The person was removed from the room. */
  | "removed"
  /** The person left the room for good. */
  | "left";

/** Codes of later servers are unknown here: go by `retryable`. */
export type ChatErrorCode = ErrorCode | ClientErrorCode | (string & {});

interface ChatErrorDetail {
  readonly retryable?: boolean;
  readonly retryAfterMs?: number | undefined;
  readonly status?: number | undefined;
  readonly errors?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** Every failure of the client. `code` is stable, `message` is for a person. */
export class ChatError extends Error {
  override readonly name = "ChatError";
  /** The same may succeed later without being changed. */
  declare readonly retryable: boolean;
  /** When, in milliseconds, where the server has said so. */
  declare readonly retryAfterMs: number | undefined;
  /** The status of the HTTP answer that said it. */
  declare readonly status: number | undefined;
  /** What is wrong with each field of what was sent. */
  declare readonly errors: Readonly<Record<string, readonly string[]>> | undefined;

  constructor(
    readonly code: ChatErrorCode,
    message: string,
    detail?: ChatErrorDetail,
  ) {
    super(message);
    Object.assign(this, { retryable: false, ...detail });
  }
}

/** One that may be gone the next time. */
export const passing = (code: ChatErrorCode, message: string, detail?: ChatErrorDetail): ChatError =>
  new ChatError(code, message, { ...detail, retryable: true });

export const unexpected = (): ChatError => passing("bad_answer", "Unexpected response.");

export const errorOf = (thrown: unknown): ChatError =>
  thrown instanceof ChatError
    ? thrown
    : passing("internal", thrown instanceof Error ? thrown.message : String(thrown));
