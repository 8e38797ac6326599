import * as v from "valibot";
import { UNSEEN } from "./blank.ts";
import { isPlain, JOINER } from "./plain.ts";
import { normalized, text, textFault } from "./text.ts";

/** The most code points of a display name. */
export const NAME_MAX = 64;
/** The longest address of a picture, in UTF-16 units. */
export const PICTURE_MAX = 1024;

const LIMITS = { min: 1, max: NAME_MAX } as const;
/** More units than any name has in any normal form. */
const UNITS_MAX = NAME_MAX * 8;

/** Emoji, with the joiners, selectors and tags that are part of them. */
const PICTOGRAPH = "\\p{Extended_Pictographic}\\p{Emoji_Modifier}?\\ufe0f?";
/** Invisible code points that Unicode gives a meaning where they stand. */
const MEANT = [
  `${PICTOGRAPH}(?:\\u200d${PICTOGRAPH})+`,
  "\\p{RGI_Emoji}",
  "\\p{Emoji}[\\ufe0e\\ufe0f]",
  "(?<=\\p{Script=Han})[\\ufe00-\\ufe02\\u{e0100}-\\u{e01ef}]",
  "(?<=\\p{Script=Mongolian})[\\u180b-\\u180d\\u180f]",
].join("|");
const MEANINGFUL = new RegExp(MEANT, "gv");
const UNSEEN_ONE = new RegExp(`[${UNSEEN}]`, "u");
const HIDDEN = new RegExp(`(${MEANT}|${JOINER.source})|[${UNSEEN}]`, "gv");
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/u;
const CONTROLS = /[\p{Cc}\p{Zl}\p{Zp}]+/gu;
const DIRECTION = /\p{Bidi_Control}/u;
const SPACES = / {2,}/g;
const PILES = /([\p{Mn}\p{Me}]{4})[\p{Mn}\p{Me}]+/gu;

/** Returns what is wrong with a display name, worded to follow its field's name, or undefined if it is valid. */
function nameFault(name: string): string | undefined {
  const fault = textFault(name, LIMITS);
  if (fault) return fault;
  if (CONTROL.test(name)) return "must not contain control characters or line breaks";
  if (DIRECTION.test(name)) return "must not contain characters that change the direction of text";
  return isPlain(UNSEEN_ONE.test(name) ? name.replace(MEANINGFUL, "x") : name)
    ? undefined
    : "must not contain invisible characters or more than four marks on one letter";
}

/**
 * Schema for a display name: 1 to 64 code points, NFC, without white space around it. Nothing in it is invisible, except
 * the joiners and selectors that languages and emoji need. It need not be unique.
 */
export const displayName = v.pipe(
  text(LIMITS),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const name = normalized(dataset.value, "NFC", UNITS_MAX)?.trim() ?? "";
    const fault = nameFault(name);
    if (!fault) return name;
    addIssue({ message: fault });
    return NEVER;
  }),
);

/**
 * Returns the display name that a claim of a token asks for, without whatever a name must not contain; null if the claim
 * takes the name away, and undefined if nothing usable is left of it.
 */
export function nameOfClaim(claim: unknown): string | null | undefined {
  if (claim === null || claim === "") return null;
  if (typeof claim !== "string") return undefined;
  const bounded = claim.slice(0, UNITS_MAX / 2).toWellFormed();
  const visible = (normalized(bounded, "NFC", UNITS_MAX * 2) ?? "")
    .replace(CONTROLS, " ")
    .replace(PILES, "$1")
    .trim();
  const short = [...withoutHidden(visible)].slice(0, NAME_MAX).join("");
  // Once more: what was cut in the middle of an emoji ends with a joiner.
  const name = withoutHidden(short).replace(SPACES, " ").trim();
  return nameFault(name) ? undefined : name;
}

const withoutHidden = (text: string) =>
  UNSEEN_ONE.test(text) ? text.replace(HIDDEN, (_, meant: string | undefined) => meant ?? "") : text;

/** Returns the canonical form of a picture's address, or undefined if it is no https URL of bounded length. */
function pictureOf(address: string): string | undefined {
  if (address.length > PICTURE_MAX) return undefined;
  const url = URL.parse(address);
  if (url?.protocol !== "https:" || url.username || url.password) return undefined;
  return url.href.length <= PICTURE_MAX ? url.href : undefined;
}

const PICTURE_RULE = `must be an https URL of at most ${PICTURE_MAX} characters`;

/** Schema for the address of a picture. */
export const picture = v.pipe(
  v.string("must be a string"),
  v.metadata({ description: `It ${PICTURE_RULE}.` }),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const url = pictureOf(dataset.value);
    if (url !== undefined) return url;
    addIssue({ message: PICTURE_RULE });
    return NEVER;
  }),
);

/** Returns the picture that a claim of a token asks for: null takes it away, undefined leaves it as it is. */
export function pictureOfClaim(claim: unknown): string | null | undefined {
  if (claim === null || claim === "") return null;
  return typeof claim === "string" ? pictureOf(claim) : undefined;
}
