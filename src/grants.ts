import * as v from "valibot";
import { normalized, text } from "./protocol/text.ts";

/** What a person may do in a room. */
export type RoomAction = "read" | "post";

/** One entry of a token's `rooms` claim: rooms by pattern, and the actions allowed there. */
export interface RoomGrant {
  /** A room name in which `*` stands for any run of characters. */
  readonly match: string;
  readonly allow: readonly RoomAction[];
}

/** The longest pattern, in code points. */
const PATTERN_MAX = 256;
/** The most entries of a claim. */
const GRANTS_MAX = 100;

const GRANTS = v.pipe(
  v.array(v.unknown(), "must be a list"),
  v.maxLength(GRANTS_MAX, `must have at most ${GRANTS_MAX} entries`),
  v.array(
    // Strict: an unknown field may have been meant to narrow what the others allow.
    v.strictObject(
      {
        match: v.pipe(
          text({ min: 1, max: PATTERN_MAX }),
          // As room names are normalised.
          v.transform((pattern) => normalized(pattern, "NFC", 2 * PATTERN_MAX) ?? ""),
        ),
        allow: v.array(v.picklist(["read", "post"], "must be read or post"), "must be a list"),
      },
      "must have match and allow, and nothing else",
    ),
  ),
);

/**
 * Parses the `rooms` claim of a token; null if there is none.
 * @throws if the claim has any other form: a claim that is misread must not let anyone in.
 */
export const grantsOf = (claim: unknown): readonly RoomGrant[] | null =>
  claim === undefined ? null : v.parse(GRANTS, claim, { abortPipeEarly: true });

/** Whether one of the grants allows `action` in a room. */
export const isGranted = (grants: readonly RoomGrant[], room: string, action: RoomAction): boolean =>
  grants.some(({ match, allow }) => allow.includes(action) && matches(match, room));

/** Whether `pattern` matches the whole of `name`. Linear in both. */
export function matches(pattern: string, name: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return name === pattern;
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length)
    return false;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return at <= name.length - last.length;
}
