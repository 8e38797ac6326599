/** Limits of the wire that no configuration changes. Lengths of texts count code points, sizes count UTF-8 bytes. */
export const FRAME_IN_MAX_BYTES = 64 * 1024;
export const FRAME_OUT_MAX_BYTES = 128 * 1024;
export const ROOM_NAME_MAX = 64;
export const USERNAME_MAX = 32;
export const HISTORY_DEFAULT = 100;
export const HISTORY_MAX = 1000;
/** Ids and versions are whole numbers that a double holds exactly. */
export const ID_MAX = Number.MAX_SAFE_INTEGER;
/** The most that a server can be configured to allow. */
export const MESSAGE_MAX_CHARS = 10_000;
/** A longer token is refused unread, in characters. */
export const TOKEN_MAX = 16 * 1024;
