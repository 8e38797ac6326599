import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import * as v from "valibot";
import { displayName, NAME_MAX, nameOfClaim, picture, pictureOfClaim } from "../src/protocol/names.ts";

const GOOD = [
  ["punctuation and spaces", "Bob's Shop & Co."],
  ["two scripts", "Иван Smith"],
  ["a family of emoji", "The Lees 👨‍👩‍👧‍👦"],
  ["an emoji whose selector is missing", "shrug 🤷‍♂"],
  ["a heart with a selector", "Ada ❤\ufe0f"],
  ["a keycap and a flag", "No. 1\ufe0f\u20e3 🏴󠁧󠁢󠁥󠁮󠁧󠁿"],
  ["the joiner of Persian", "می‌خواهم"],
  ["the joiner of Sinhala", "ශ්‍රී"],
  ["a variant of a Han letter", "葛\u{e0100}城"],
  ["right to left", "עדה"],
  ["64 letters outside the basic plane", "𠀀".repeat(64)],
] as const;

const BAD = [
  ["blank", "  "],
  ["65 letters", "a".repeat(65), "a".repeat(64)],
  ["a line break", "Ada\nLovelace", "Ada Lovelace"],
  ["a control character", "Ada\u0007", "Ada"],
  ["an override of the direction", "\u202egpj.exe", "gpj.exe"],
  ["an isolate", "\u2066Ada\u2069", "Ada"],
  ["a joiner between Latin letters", "A\u200dda", "Ada"],
  ["a selector after a Latin letter", "A\ufe0fda", "Ada"],
  ["a zero-width space", "A\u200bda", "Ada"],
  ["a filler that shows nothing", "\u3164"],
  ["a tower of marks", `a${"\u0301\u0323".repeat(10)}`, "\u1ea1\u0323\u0323\u0323\u0323"],
  ["a lone surrogate", "Ada\ud800", "Ada\ufffd"],
  ["half of a family", `${"a".repeat(62)}👩‍👩`, `${"a".repeat(62)}👩`],
].map(([what = "", name = "", cleaned = ""]) => [what, name, cleaned] as const);

describe("a display name", () => {
  test.each(GOOD)("may have %s", (_, name) => {
    expect(v.parse(displayName, name)).toBe(name);
    expect(nameOfClaim(name)).toBe(name);
  });

  test.each(BAD)("of a person must not be or have %s, and one in a token is cleaned", (_, name, cleaned) => {
    expect(v.is(displayName, name)).toBe(false);
    const made = nameOfClaim(name);
    expect(made ?? "").toBe(cleaned);
  });

  test("is taken away by null or an empty text in a token, and left alone by anything else", () => {
    expect([null, "", undefined, 5, {}, ["Ada"]].map(nameOfClaim)).toEqual([
      ...[null, null],
      ...[undefined, undefined, undefined, undefined],
    ]);
  });

  test("of a token is valid whatever the token says", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (claim) => {
        const name = nameOfClaim(claim);
        if (typeof name !== "string") return;
        expect(v.parse(displayName, name)).toBe(name);
        expect([...name].length).toBeLessThanOrEqual(NAME_MAX);
      }),
      { numRuns: 300 },
    );
  });
});

test("white space around a name does not count", () => {
  expect(v.parse(displayName, "  Ada Lovelace ")).toBe("Ada Lovelace");
});

test("a picture is an https URL of bounded length", () => {
  const good = "https://example.com/ada.png";
  for (const url of [good, "HTTPS://example.com/ada.png"]) expect(v.parse(picture, url)).toBe(good);
  for (const bad of [
    "http://example.com/a.png",
    "javascript:alert(1)",
    "data:image/png;base64,AAAA",
    "https://ada:secret@example.com/",
    "//example.com/a.png",
    "ada.png",
    `${good}?${"x".repeat(1_000)}`,
    `https://example.com/${"é".repeat(500)}`,
  ]) {
    expect(v.is(picture, bad)).toBe(false);
    expect(pictureOfClaim(bad)).toBeUndefined();
  }
  expect([null, "", 5].map(pictureOfClaim)).toEqual([null, null, undefined]);
});
