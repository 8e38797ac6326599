import * as v from "valibot";

export interface TextLimits {
  /** The fewest code points; with 1 or more a text of white space alone is refused as well. */
  readonly min?: number;
  /** The most code points. */
  readonly max: number;
}

/**
 * A text from outside: `min` to `max` code points, without NUL (which Postgres cannot store) and without lone
 * surrogates (which UTF-8 cannot carry). Its messages never quote the input.
 */
export const text = (limits: TextLimits) =>
  v.pipe(
    v.string("must be a string"),
    // For documents, where JSON Schema counts code points too.
    v.metadata({
      ...(limits.min && { minLength: limits.min, pattern: "\\S" }),
      maxLength: limits.max,
    }),
    v.rawCheck(({ dataset, addIssue }) => {
      const message = dataset.typed ? textFault(dataset.value, limits) : undefined;
      if (message) addIssue({ message });
    }),
  );

/** What is wrong with a text, as the end of a sentence about its field; undefined where nothing is. */
export function textFault(value: string, { min = 0, max }: TextLimits): string | undefined {
  if (value.includes("\0")) return "must not contain the character NUL";
  if (!value.isWellFormed()) return "must not contain lone surrogates";
  if (min > 0 && value.trim() === "") return "must not be blank";
  // A code point takes one or two units: mostly that tells, and it bounds the work that is done on a huge text.
  if (min <= 1 && value.length <= max) return undefined;
  const length = value.length > 2 * max ? max + 1 : codePoints(value);
  if (length < min) return `must have at least ${min} characters`;
  if (length > max) return `must have at most ${max} characters`;
  return undefined;
}

/** The length of a text in code points. */
function codePoints(value: string): number {
  let count = 0;
  for (const _ of value) count++;
  return count;
}
