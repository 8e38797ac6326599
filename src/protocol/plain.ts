import { UNSEEN } from "./blank.ts";

/** Signs that combine two letters into one (canonical combining class 9), of the scripts in use. */
const VIRAMA =
  "\\u094d\\u09cd\\u0a4d\\u0acd\\u0b4d\\u0bcd\\u0c4d\\u0ccd\\u0d3b\\u0d3c\\u0d4d\\u0dca\\u1039\\u103a\\u17d2\\u1b44";
const CONJUNCT = `(?<=\\p{L}\\p{M}{0,2}[${VIRAMA}])`;
/** Letters of scripts whose letters join. */
const JOINING = ["Arabic", "Syriac", "Mandaic", "Nko", "Mongolian", "Adlam", "Hanifi_Rohingya"]
  .map((script) => `\\p{Script=${script}}`)
  .join("");
/**
 * The joiners that change how a word is read, as in Persian and Sinhala (UAX #31, section 2.3, rules A1, A2 and B).
 * A1 is looser here: it takes any two letters that could join.
 */
export const JOINER = new RegExp(
  [
    `(?<=(?=[${JOINING}])\\p{L}\\p{Mn}{0,4})\\u200c(?=(?=[${JOINING}])\\p{L})`,
    `${CONJUNCT}\\u200c(?=\\p{L})`,
    `${CONJUNCT}\\u200d(?!\\p{M})`,
  ].join("|"),
  "gu",
);

const HIDDEN = new RegExp(`[${UNSEEN}]`, "u");
/** More marks on one letter than any language needs (UTS #39, section 5.4). */
const PILE = /[\p{Mn}\p{Me}]{5}/u;

/**
 * Whether a name of bounded length shows all that it contains: no ignorable code points (fillers, variation selectors,
 * joiners where no language needs them), and at most four marks on one letter.
 */
export const isPlain = (name: string): boolean => !PILE.test(name) && !HIDDEN.test(name.replace(JOINER, ""));
