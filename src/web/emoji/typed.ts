/** A shortcode before the caret. */
export interface Typed {
  readonly code: string;
  /** Where its first colon is. */
  readonly from: number;
  readonly to: number;
  /** It ends with a colon. */
  readonly closed: boolean;
}

/** A colon after a letter, a digit or another colon is a part of something else, such as a time or an address. */
const CODE = /(?<![a-z\d:\/._-]):([a-z\d_+-]{1,40})(:?)$/i;
/** An open code with fewer letters may be a smiley. */
const LEAST = 2;
const READ_MAX = 64;
const FENCE = /^ {0,3}```/gm;

/** Returns the shortcode that ends at the caret. There is none in code. */
export function typedAt(text: string, caret: number): Typed | undefined {
  const [all = "", code = "", end = ""] = CODE.exec(text.slice(Math.max(0, caret - READ_MAX), caret)) ?? [];
  if (code.length < (end ? 1 : LEAST)) return undefined;
  const from = caret - all.length;
  return isInCode(text.slice(0, from)) ? undefined : { code, from, to: caret, closed: end !== "" };
}

function isInCode(before: string): boolean {
  const isOdd = (pattern: RegExp, text: string) => (text.match(pattern)?.length ?? 0) % 2 === 1;
  return isOdd(FENCE, before) || isOdd(/`+/g, before.slice(before.lastIndexOf("\n") + 1));
}
