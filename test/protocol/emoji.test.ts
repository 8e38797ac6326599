import { expect, test } from "bun:test";
import * as v from "valibot";
import { emoji } from "../../src/protocol/emoji.ts";
import { needs, UNICODE_DATA } from "../support/needs.ts";

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
  ["🤷\u200d♂", "🤷\u200d♂\ufe0f"],
  ["🏳\u200d🌈", "🏳\ufe0f\u200d🌈"],
  ["👁\u200d🗨", "👁\ufe0f\u200d🗨\ufe0f"],
  ["👁\ufe0f\u200d🗨", "👁\ufe0f\u200d🗨\ufe0f"],
  ["1\u20e3", "1\ufe0f\u20e3"],
  ["🕵🏽\u200d♀", "🕵🏽\u200d♀\ufe0f"],
  ["😀\ufe0f", "😀"],
])("%s, as some keyboards send it, is the same reaction as %s", (sent, full) => {
  expect(v.parse(emoji, sent)).toBe(full);
});

needs("unicode-data")("Unicode's list of emoji", () => {
  test("every spelling of an emoji is the same reaction", async () => {
    // The fully qualified spelling comes first.
    const list = await Bun.file(`${UNICODE_DATA}/emoji/emoji-test.txt`).text();
    let [full, count] = ["", 0];
    for (const [, codes = "", status] of list.matchAll(/^([0-9A-F ]+); (\S+)/gm)) {
      const text = String.fromCodePoint(
        ...codes
          .trim()
          .split(" ")
          .map((code) => parseInt(code, 16)),
      );
      if (status === "fully-qualified" || status === "component") full = text;
      expect(v.parse(emoji, text)).toBe(full);
      count++;
    }
    expect(count).toBeGreaterThan(4000);
  });
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
