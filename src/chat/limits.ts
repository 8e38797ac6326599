import { FRAME_OUT_MAX_BYTES } from "../protocol/limits.ts";

/** Bound of one socket's outgoing buffer, in bytes. Past it, the runtime cuts the socket. */
export const HARD_LIMIT = 1024 * 1024;
/** Past this bound a socket lags: it leaves the live topics and is not read until it has drained. */
export const SOFT_LIMIT = 256 * 1024;
/** Room below the hard limit that a direct send needs: the largest frame. */
export const SEND_ROOM = FRAME_OUT_MAX_BYTES;
/**
 * The most bytes published between two checks of the sockets. A larger range is not published: each reader pages it from
 * the database. A socket just under the soft limit can take this much, a page and one more frame without being cut.
 */
export const UNSEEN_MAX = 320 * 1024;
/** The most bytes in a page of missed changes, unless it holds a single message. */
export const PAGE_MAX = 128 * 1024;
/** A socket that takes nothing for this long is closed, in milliseconds. */
export const STALL_MS = 60_000;
/** Commands of one socket that may wait for their replies. Beyond, the socket is not read. */
export const OUTSTANDING = 256;
/** The most changes that are replayed. Beyond, the reader starts again at the newest version. */
export const REPLAY_MAX = 10_000;
/** Pages and lists that are read for one person at a time, and how many more may wait. */
export const READS_IN_FLIGHT = 2;
export const READS_WAITING = 100;
/** A client that has received nothing for this long sends a ping, in milliseconds. */
export const HEARTBEAT_MS = 30_000;
/**
 * How long before its token expires a client is first warned, in milliseconds; or half of the time that the token had left
 * when it arrived, if that is less.
 */
export const EXPIRING_MS = 60_000;
/** How often the tokens of open sockets are checked, in milliseconds. */
export const TOKEN_LOOK_MS = 1_000;

// The worst case of a reader that stops reading: it just passed the check, then came an unseen publish, a page and a frame.
if (SOFT_LIMIT + UNSEEN_MAX + PAGE_MAX + FRAME_OUT_MAX_BYTES > HARD_LIMIT)
  throw new Error("A socket could be cut before it is seen to lag.");
if (SEND_ROOM < FRAME_OUT_MAX_BYTES) throw new Error("A direct send needs room for the largest frame.");
