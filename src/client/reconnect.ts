import type { CLOSE } from "../protocol/codes.ts";
import { ChatError } from "./errors.ts";

/** After these another token is wanted: 4001 and 4500, spelled out, because the table is not needed otherwise. */
const TOKEN_CODES: readonly number[] = [4001, 4500] satisfies (typeof CLOSE)[
  "token_expired" | "token_invalid"][];
const BASE_MS = 500;
const CAP_MS = 30_000;
/** No server sends us away for longer, whatever it says. */
const NAMED_MAX_MS = 10 * 60_000;

/** How long to wait before an attempt, with full jitter: `attempt` counts from 0, `random` is from 0 to below 1. */
export const backoff = (attempt: number, random: number): number =>
  random * Math.min(CAP_MS, BASE_MS * 2 ** attempt);

/** How long to wait with a command that was refused for now: what the server says, and longer the more often. */
export const pauseAfter = (error: { retryAfterMs?: number | undefined }, attempt: number, random: number) =>
  Math.max(error.retryAfterMs ?? 0, backoff(attempt, random));

/** Returns a wait that the server asked for, at most 10 minutes, or undefined if it makes no sense. */
export const named = (ms: unknown): number | undefined =>
  typeof ms === "number" && ms > 0 ? Math.min(ms, NAMED_MAX_MS) : undefined;

/**
 * What to do after a close code. `back`: connect again. `renew`: with another token. `stay`: do not, until something
 * has changed. Unknown codes go by their range.
 */
export function afterClose(code: number): "back" | "renew" | "stay" {
  if (TOKEN_CODES.includes(code)) return "renew";
  return code === 1000 || (code >= 4500 && code < 5000) ? "stay" : "back";
}

/** The error of a room whose `left` frame has a code after which it is not joined again. */
export const leftError = (code: number): ChatError =>
  code === 4505
    ? new ChatError("left", "You left this room.")
    : new ChatError(code === 4503 ? "removed" : "forbidden", "You were removed from this room.");
