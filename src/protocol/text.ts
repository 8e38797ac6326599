import * as v from "valibot";

export interface TextLimits {
  /** Minimum length in code points. If it is 1 or more, text that is only white space is rejected too. */
  readonly min?: number;
  /** Maximum length in code points. */
  readonly max: number;
}

/**
 * Schema for untrusted text: `min` to `max` code points, without NUL (Postgres cannot store it) or lone
 * surrogates (UTF-8 cannot encode them). Messages never quote the input.
 */
export const text = (limits: TextLimits) =>
  v.pipe(
    v.string("must be a string"),
    // For the API documents. JSON Schema counts code points too.
    v.metadata({
      ...(limits.min && { minLength: limits.min, pattern: "\\S" }),
      maxLength: limits.max,
    }),
    v.rawCheck(({ dataset, addIssue }) => {
      const message = dataset.typed ? textFault(dataset.value, limits) : undefined;
      if (message) addIssue({ message });
    }),
  );

/** Returns what is wrong with a text, worded to follow its field's name, or undefined if it is valid. */
export function textFault(value: string, { min = 0, max }: TextLimits): string | undefined {
  if (value.includes("\0")) return "must not contain the character NUL";
  if (!value.isWellFormed()) return "must not contain lone surrogates";
  if (min > 0 && value.trim() === "") return "must not be blank";
  // A code point takes one or two UTF-16 units, so `value.length` settles most cases and bounds the work on
  // huge texts.
  if (min <= 1 && value.length <= max) return undefined;
  const length = value.length > 2 * max ? max + 1 : codePoints(value);
  if (length < min) return `must have at least ${min} characters`;
  if (length > max) return `must have at most ${max} characters`;
  return undefined;
}

function codePoints(value: string): number {
  let count = 0;
  for (const _ of value) count++;
  return count;
}
