import { FRAME_OUT_MAX_BYTES } from "../protocol/limits.ts";

/** Bounds of one socket's outgoing buffer, in bytes. Past the hard one the runtime cuts it. */
export const HARD_LIMIT = 1024 * 1024;
/** Past this one it lags: it is taken off the live feed and not read from until it has drained. */
export const SOFT_LIMIT = 256 * 1024;
/** A direct send wants this much room below the hard limit: the largest frame. */
export const SEND_ROOM = FRAME_OUT_MAX_BYTES;
/**
 * No more than this is published between two looks at the sockets, so a room's range that is larger is read by each
 * reader for itself. Who was under the soft limit may take as much, a page and one more frame, and is not cut.
 */
export const UNSEEN_MAX = 320 * 1024;
/** A page of what was missed, unless it is one message. */
export const PAGE_MAX = 128 * 1024;
/** A socket that has not drained for so long is closed, in milliseconds. */
export const STALL_MS = 60_000;
/** Commands of one socket that wait for their answers; beyond, it is not read from. */
export const OUTSTANDING = 256;
/** Changes that are worth replaying; beyond, the reader begins anew. */
export const REPLAY_MAX = 10_000;
/** A client that has heard nothing for so long sends a ping, in milliseconds. */
export const HEARTBEAT_MS = 30_000;
/** So long before its token expires a client is told, in milliseconds. */
export const EXPIRING_MS = 60_000;
/** How often the tokens of open sockets are looked at, in milliseconds. */
export const TOKEN_LOOK_MS = 1_000;
