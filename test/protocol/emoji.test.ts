import { expect, test } from "bun:test";
import * as v from "valibot";
import { emoji } from "../../src/protocol/emoji.ts";

test.each([
  ["a picture", "😀"],
  ["a flag", "🇩🇪"],
  ["a flag of a region", "🏴󠁧󠁢󠁳󠁣󠁴󠁿"],
  ["a skin tone", "👍🏽"],
  ["a joined family", "👨‍👩‍👧‍👦"],
  ["a keycap", "1️⃣"],
  ["a heart with its selector", "❤️"],
])("%s is an emoji", (_, text) => {
  expect(v.parse(emoji, text)).toBe(text);
});

test("a heart without its selector is the same reaction as one with it", () => {
  expect(v.parse(emoji, "❤")).toBe("❤️");
});

test.each([
  ["a word", "ok"],
  ["nothing", ""],
  ["a digit", "1"],
  ["two pictures", "😀😀"],
  ["a picture and a zero-width joiner", "😀\u200d"],
  ["a zero-width space", "\u200b"],
  ["a picture and a zero-width space", "😀\u200b"],
  ["a lone half of a flag", "🇩"],
  ["a very long one", "😀".repeat(1000)],
  ["a number", 5],
])("%s is not an emoji", (_, text) => {
  expect(v.safeParse(emoji, text).success).toBe(false);
});
