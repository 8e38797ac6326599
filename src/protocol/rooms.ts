import { ROOM_NAME_MAX } from "./limits.ts";
import { isPlain } from "./plain.ts";
import { normalized } from "./text.ts";

const ROOM_NAME = /^[\p{L}\p{M}\p{Nd}_-][\p{L}\p{M}\p{Nd}_.\u200c\u200d-]*$/u;
/** Upper bound for any normalization of a room name, in UTF-16 units. */
const LONGEST = ROOM_NAME_MAX * 4;

/** A UTF-16 unit takes up to three bytes in UTF-8, each of which is written as three characters. */
const ENCODED_LONGEST = LONGEST * 9;

/** A name that the server gave: see the chat's names. */
const SECRET = /^~[a-z2-7]{26}$/;

/** The part of the room name rule that JSON Schema can express. */
export const ROOM_SPELLING = {
  minLength: 1,
  maxLength: LONGEST,
  pattern: `${ROOM_NAME.source}|${SECRET.source}`,
} as const;

/**
 * Returns a room name in Unicode NFC (UAX #15), or null if it is not valid. A valid name has 1 to 64 letters,
 * marks and digits of any script, `_`, `-` or `.`, and does not start with a dot (URL parsers remove dot
 * segments). The server's own names for rooms are a tilde and 26 letters and digits. A name has joiners only where
 * a language needs them, and nothing else that is invisible.
 */
export function roomName(name: string): string | null {
  if (SECRET.test(name)) return name;
  const normal = normalized(name, "NFC", LONGEST);
  if (!normal || !ROOM_NAME.test(normal) || !isPlain(normal)) return null;
  return [...normal].length <= ROOM_NAME_MAX ? normal : null;
}

/** Returns the room name in a percent-encoded URL path segment, or null if it is not valid. */
export function roomInPath(segment: string): string | null {
  if (segment.length > ENCODED_LONGEST) return null;
  try {
    return roomName(decodeURIComponent(segment));
  } catch {
    return null; // not UTF-8
  }
}
