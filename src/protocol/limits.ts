/** Wire limits that are not configurable. Text lengths count code points; sizes count UTF-8 bytes. */
export const FRAME_IN_MAX_BYTES = 64 * 1024;
export const FRAME_OUT_MAX_BYTES = 128 * 1024;
export const ROOM_NAME_MAX = 64;
export const USERNAME_MAX = 32;
/** The most messages that one person has saved. */
export const SAVED_MAX = 1000;
export const HISTORY_DEFAULT = 100;
export const HISTORY_MAX = 1000;
/** A page of history over HTTP ends before it grows larger, unless it holds a single message. */
export const HISTORY_MAX_BYTES = 1024 * 1024;
/** Largest id or version: the largest integer that a double holds exactly. */
export const ID_MAX = Number.MAX_SAFE_INTEGER;
/** Upper bound for the configurable message length. */
export const MESSAGE_MAX_CHARS = 10_000;
/** The longest JSON text of a message's data, in bytes. */
export const DATA_MAX_BYTES = 4096;
/** The most replies that the summary of a thread counts, and the most people that it shows. */
export const REPLIES_MAX = 100;
export const REPLIERS_MAX = 5;
/** Longest title and topic of a room. */
export const TITLE_MAX = 100;
export const TOPIC_MAX = 500;
/** Longest way of naming a person: `mailto:` and an email address, or a long subject. */
export const PERSON_NAME_MAX = 320;
/** Longer tokens are rejected unread, in characters. */
export const TOKEN_MAX = 16 * 1024;
