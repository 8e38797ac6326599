import type { CloseReason, ErrorCode } from "../protocol/codes.ts";

/** Codes of errors that the client itself raises. */
export type ClientErrorCode =
  /** Nobody is signed in. */
  | "signed_out"
  /** The product's own `tokens` function failed. */
  | "token_failed"
  /** The runtime lacks something that the client needs. `createChat` throws this at once. */
  | "unsupported"
  /** The server could not be reached, or did not respond in time. */
  | "unreachable"
  /** The connection ended. */
  | "disconnected"
  /** The response is not of the protocol, for example a proxy's error page. */
  | "bad_answer"
  /** A part of the client could not be loaded. */
  | "not_loaded"
  /** The outbox has reached its limit. */
  | "outbox_full"
  /** The change was withdrawn before it was sent. */
  | "withdrawn"
  /** The server's database was restored, so the id may now belong to another message. */
  | "stale_epoch"
  /** The reader of an iteration is too slow: too many messages wait for it. */
  | "too_slow"
  /** The chat, or the room, was closed here. */
  | "closed"
  /** The server ended the connection because of what the client sent. */
  | "protocol"
  /** The person was removed from the room. */
  | "removed"
  /** The person left the room for good. */
  | "left";

/** A newer server can send codes that are unknown here. Go by `retryable` then. */
export type ChatErrorCode = ErrorCode | CloseReason | ClientErrorCode | (string & {});

interface ChatErrorDetail {
  readonly room?: string | undefined;
  readonly retryable?: boolean;
  readonly retryAfterMs?: number | undefined;
  readonly claim?: boolean | undefined;
  readonly status?: number | undefined;
  readonly errors?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** Any failure of the client. `code` is stable, `message` is for people. */
export class ChatError extends Error {
  override readonly name = "ChatError";
  declare readonly code: ChatErrorCode;
  /** The room that the error is about, if it is about one. */
  declare readonly room: string | undefined;
  /** Whether the same call may succeed later. */
  declare readonly retryable: boolean;
  /** How long to wait before a retry, in milliseconds, if the server named a time. */
  declare readonly retryAfterMs: number | undefined;
  /** The token does not allow it, as its `rooms` claim says. A newer token may. */
  declare readonly claim: boolean | undefined;
  /** The status of the HTTP response, if there was one. */
  declare readonly status: number | undefined;
  /** What is wrong with each field of the request. */
  declare readonly errors: Readonly<Record<string, readonly string[]>> | undefined;

  constructor(code: ChatErrorCode, message: string, detail?: ChatErrorDetail) {
    super(message);
    Object.assign(this, { code, retryable: false, ...detail });
  }

  /** Returns what `JSON.stringify` writes: all fields, and the message. No field ever has a token. */
  toJSON(): object {
    return { ...this, message: this.message };
  }
}

/** Creates an error that is retryable. */
export const passing = (code: ChatErrorCode, message: string, detail?: ChatErrorDetail): ChatError =>
  new ChatError(code, message, { ...detail, retryable: true });

export const disconnected = (): ChatError => passing("disconnected", "The connection was closed.");

export const unexpected = (): ChatError => passing("bad_answer", "Unexpected response.");

export const errorOf = (thrown: unknown): ChatError =>
  thrown instanceof ChatError
    ? thrown
    : passing("internal", thrown instanceof Error ? thrown.message : String(thrown));
