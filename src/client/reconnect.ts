import type { CLOSE } from "../protocol/codes.ts";
import { ChatError } from "./errors.ts";

/** Close codes after which the client needs another token. Literals keep the table of codes out of the bundle. */
const TOKEN_CODES: readonly number[] = [4001, 4500] satisfies (typeof CLOSE)[
  "token_expired" | "token_invalid"][];
const BASE_MS = 500;
const CAP_MS = 30_000;
/** The longest wait that a server can ask for. */
const NAMED_MAX_MS = 10 * 60_000;

/** Returns the wait before an attempt, with full jitter. `attempt` counts from 0, `random` is from 0 to below 1. */
export const backoff = (attempt: number, random: number): number =>
  random * Math.min(CAP_MS, BASE_MS * 2 ** attempt);

/** Returns the wait before a retry of a refused command: what the server asked for, and longer with each attempt. */
export const pauseAfter = (error: { retryAfterMs?: number | undefined }, attempt: number, random: number) =>
  Math.max(error.retryAfterMs ?? 0, backoff(attempt, random));

/** Returns a wait that the server asked for, at most 10 minutes, or undefined if it makes no sense. */
export const serverDelay = (ms: unknown): number | undefined =>
  typeof ms === "number" && ms > 0 ? Math.min(ms, NAMED_MAX_MS) : undefined;

/**
 * Returns what to do after a close code. `back`: connect again. `renew`: connect with another token. `stay`: do not
 * connect. Unknown codes go by their range.
 */
export function afterClose(code: number): "back" | "renew" | "stay" {
  if (TOKEN_CODES.includes(code)) return "renew";
  return code === 1000 || (code >= 4500 && code < 5000) ? "stay" : "back";
}

/** Returns the error of a room that is not to be joined again, by the code of its `left` frame. */
export const leftError = (code: number, room: string): ChatError =>
  code === 4505
    ? new ChatError("left", "You left this room.", { room })
    : code === 4506
      ? new ChatError("removed", "This room was deleted.", { room })
      : new ChatError(code === 4503 ? "removed" : "forbidden", "You were removed from this room.", {
          room,
          // A newer token took the room away, so the next one may bring it back.
          claim: code === 4502 || undefined,
        });
