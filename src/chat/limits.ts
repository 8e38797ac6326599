/** Bounds of one socket's outgoing buffer, in bytes. Past the hard one the runtime cuts it. */
export const HARD_LIMIT = 1024 * 1024;
/** Past this one it lags: it is taken off the live feed and not read from until it has drained. */
export const SOFT_LIMIT = 256 * 1024;
/** A direct send wants this much room below the hard limit: more than the largest frame. */
export const SEND_ROOM = 256 * 1024;
/** Once so much was published since the last look, a socket may have got from under soft to near hard. */
export const SCAN_AFTER = 512 * 1024;
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
