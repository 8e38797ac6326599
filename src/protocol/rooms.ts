import { ROOM_NAME_MAX } from "./limits.ts";

const ROOM_NAME = /^[\p{L}\p{M}\p{Nd}_-][\p{L}\p{M}\p{Nd}_.-]*$/u;
/** No spelling of a room's name is longer, in UTF-16 units. */
const LONGEST = ROOM_NAME_MAX * 4;

/** What JSON Schema can say of a spelling of a room's name. */
export const ROOM_SPELLING = { minLength: 1, maxLength: LONGEST, pattern: ROOM_NAME.source } as const;

/**
 * The one spelling of a room's name: Unicode NFC (UAX #15), 1 to 64 letters, marks and digits of any script,
 * `_`, `-`, `.`, not beginning with a dot (URL parsers remove dot segments). Null where `name` is not a room's name.
 */
export function roomName(name: string): string | null {
  if (name.length > LONGEST) return null;
  const normal = name.normalize("NFC");
  return ROOM_NAME.test(normal) && [...normal].length <= ROOM_NAME_MAX ? normal : null;
}

/** The room's name out of a segment of a URL's path, percent-encoded; null where it is none. */
export function roomInPath(segment: string): string | null {
  try {
    return roomName(decodeURIComponent(segment));
  } catch {
    return null; // not UTF-8
  }
}
