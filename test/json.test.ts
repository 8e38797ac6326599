import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { Refusal } from "../src/errors.ts";
import { parseObject } from "../src/json.ts";

const detailOf = (text: string): string | undefined => {
  try {
    parseObject(text, "The frame");
  } catch (error) {
    return (error as Refusal).message;
  }
  return undefined;
};

/** An object that is nested this deep, in more than a kilobyte. */
const nested = (depth: number, inner = "0") =>
  `{"pad":"${"x".repeat(1_100)}","a":${"[".repeat(depth - 1)}${inner}${"]".repeat(depth - 1)}}`;

describe("JSON from outside", () => {
  test("may be nested 128 levels deep, and no deeper", () => {
    expect(detailOf(nested(128))).toBeUndefined();
    expect(detailOf(nested(129))).toBe("The frame is nested more than 128 levels deep.");
    expect(detailOf("[".repeat(60_000))).toBe("The frame is nested more than 128 levels deep.");
  });

  test("must be an object", () => {
    expect(["null", "[1]", '"a"', "1"].map(detailOf)).toEqual(
      Array(4).fill("The frame is not a JSON object."),
    );
    expect(["", "{", "{a:1}", `{"a":"${"[".repeat(2_000)}`].map(detailOf)).toEqual(
      Array(4).fill("The frame is not JSON."),
    );
  });

  test("keeps any object whatever brackets, quotation marks and backslashes its texts contain", () => {
    const hard = fc.string({ unit: fc.constantFrom("[", "{", '"', "\\", "]", "}", "a"), maxLength: 300 });
    fc.assert(
      fc.property(fc.dictionary(hard, fc.array(hard), { minKeys: 3 }), (object) => {
        const text = JSON.stringify({ ...object, pad: "[".repeat(1_100) });
        expect(JSON.stringify(parseObject(text, "It"))).toBe(text);
      }),
    );
  });
});
