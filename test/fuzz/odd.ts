import { worstTexts } from "../support/worst.ts";
import type { Random } from "./random.ts";

/** JSON values that often break programs. */
const LITERALS = [
  "null",
  "true",
  "[]",
  "{}",
  "0",
  "-0",
  "-1",
  "0.5",
  "1.0",
  "1e2",
  "1e308",
  "1e400",
  "-1e400",
  "9007199254740991",
  "9007199254740992",
  "18446744073709551616",
  "1e-400",
  '""',
  '" "',
  '"1"',
  '"\\u0000"',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\u202e\\u200b\\ufeff"',
  '"__proto__"',
  '"constructor"',
  '"toString"',
  '".."',
  '"a/b"',
  '"%00"',
  '"ｆｕｌｌ"',
  '"e\u0301"',
  '"👩‍👩‍👧‍👦"',
  '"ﷺ"',
  '"İı"',
  '{"__proto__":{"x":1}}',
  '{"length":1e9}',
] as const;

/** Short enough for a frame, however JSON escapes them. */
const WORST = worstTexts(8_000).map(([, text]) => text);

/** Returns an odd value, sometimes a very long or deeply nested one. */
export function oddValue(random: Random): string {
  const size = 1 + random.below(4_000);
  switch (random.below(12)) {
    case 0:
      return `"${random.pick(["x", "é", "あ", "😀", "\\u0301", "\\\\"]).repeat(size)}"`;
    case 1:
      return nested(random.pick(["[", '{"a":']), size);
    case 2:
      return "9".repeat(size);
    case 3:
      return `[${"0,".repeat(size)}0]`;
    case 4:
    case 5:
      return JSON.stringify(random.pick(WORST));
    default:
      return random.pick(LITERALS);
  }
}

function nested(opening: string, depth: number): string {
  return `${opening.repeat(depth)}1${(opening === "[" ? "]" : "}").repeat(depth)}`;
}
