import * as v from "valibot";
import { isBlank } from "./blank.ts";

export interface TextLimits {
  /** Minimum length in code points. If it is 1 or more, text without a visible character is rejected too. */
  readonly min?: number;
  /** Maximum length in code points. */
  readonly max: number;
}

/**
 * Schema for untrusted text: `min` to `max` code points, without NUL (Postgres cannot store it) or lone
 * surrogates (UTF-8 cannot encode them). Messages never quote the input. What follows it in a pipe does not
 * run on text that it rejects, so it works on bounded text only.
 */
export const text = (limits: TextLimits) =>
  v.pipe(
    v.string("must be a string"),
    // For the API documents. JSON Schema counts code points too.
    v.metadata({
      ...(limits.min && { minLength: limits.min, pattern: "\\S" }),
      maxLength: limits.max,
    }),
    // A transformation, because checks let the rest of a pipe run after an issue.
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const message = textFault(dataset.value, limits);
      if (!message) return dataset.value;
      addIssue({ message });
      return NEVER;
    }),
  );

/** Characters that break a line, or change the direction of what stands around the text. */
const UNRULY = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;

/** Schema for an untrusted text of one line, such as a title: {@link text} without control characters. */
export const line = (limits: TextLimits) =>
  v.pipe(
    text(limits),
    v.check((value) => !UNRULY.test(value), "must not contain control characters"),
  );

/** Returns what is wrong with a text, worded to follow its field's name, or undefined if it is valid. */
export function textFault(value: string, { min = 0, max }: TextLimits): string | undefined {
  const tooLong = `must have at most ${max} characters`;
  // A code point takes one or two UTF-16 units: this bounds all work that follows.
  if (value.length > 2 * max) return tooLong;
  if (value.includes("\0")) return "must not contain the character NUL";
  if (!value.isWellFormed()) return "must not contain lone surrogates";
  if (min > 0 && isBlank(value)) return "must not be blank";
  if (min <= 1 && value.length <= max) return undefined;
  const length = codePoints(value);
  if (length < min) return `must have at least ${min} characters`;
  return length > max ? tooLong : undefined;
}

/**
 * Normalises a short text (UAX #15), or returns undefined if it has more than `max` UTF-16 units. Work grows
 * with the square of the marks on one letter, so it must never begin on text without a bound.
 */
export const normalized = (value: string, form: "NFC" | "NFKC", max: number): string | undefined =>
  value.length > max ? undefined : value.normalize(form);

function codePoints(value: string): number {
  let count = 0;
  for (const _ of value) count++;
  return count;
}
