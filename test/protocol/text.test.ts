import { expect, test } from "bun:test";
import * as v from "valibot";
import { content } from "../../src/protocol/frames.ts";
import { text, textFault } from "../../src/protocol/text.ts";

test.each([
  ["spaces and line breaks", " \n\t\u00a0\u3000"],
  ["a zero-width space", "\u200b"],
  ["the braille pattern without dots", "\u2800\u2800"],
  ["a Hangul filler", "\u3164"],
  ["joiners, a soft hyphen and variation selectors", "\u200d\u00ad\ufe0f\u{e0100}"],
  ["direction marks", "\u200f\u202e\u2066"],
  ["controls of hieroglyphs", "\u{13430}\u{13441}"],
  ["control characters", "\u0007\u001b"],
  ["invisible operators and tags", "\u2062\u{e0041}"],
])("a message of %s is blank", (_, blank) => {
  expect(v.safeParse(content, blank).issues?.map(({ message }) => message)).toEqual(["must not be blank"]);
});

test("a message with one visible character is not blank", () => {
  for (const visible of ["\u200b.", "\u2801", "\u3131", "\u0301", "🏴", "\u200fא"])
    expect(v.parse(content, visible)).toBe(visible);
});

test("what follows a text in a pipe does not see text that was rejected", () => {
  let seen = 0;
  const look = () => ++seen > 0;
  const schema = v.pipe(
    text({ max: 8 }),
    v.check(look),
    v.transform((kept) => (look(), kept)),
    v.check(look),
  );
  expect(v.safeParse(schema, "a".repeat(9)).success).toBe(false);
  expect(seen).toBe(0);
  expect(v.safeParse(schema, "a".repeat(8)).success).toBe(true);
  expect(seen).toBe(3);
});

test("length is counted in code points", () => {
  expect(textFault("😀".repeat(4), { max: 4 })).toBeUndefined();
  expect(textFault("😀".repeat(5), { max: 4 })).toBe("must have at most 4 characters");
  expect(textFault("😀", { min: 2, max: 4 })).toBe("must have at least 2 characters");
});
