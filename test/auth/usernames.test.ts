import { expect, test } from "bun:test";
import { foldOf, namesFor, usernameOf } from "../../src/auth/usernames.ts";

test.each([
  "ada",
  "Ada.Lovelace",
  "ben_10",
  "-x-",
  "日本ひらカタ",
  "한국漢",
  "Ольга",
  "עדה",
  "नमस्ते",
  "é".repeat(32),
])("%s is a username", (name) => {
  expect(usernameOf(name)).toBe(name.normalize("NFKC"));
});

test.each([
  ["nothing", ""],
  ["a leading dot", ".ada"],
  ["a leading mark", "\u0301ada"],
  ["a space", "ada l"],
  ["a slash", "a/b"],
  ["an email", "ada@example.com"],
  ["a control character", "ada\u0007"],
  ["NUL", "ada\0"],
  ["a lone surrogate", "ada\ud800"],
  ["a right-to-left override", "ada\u202eb"],
  ["a zero-width joiner", "a\u200dda"],
  ["a variation selector", "ada\ufe0f"],
  ["a Hangul filler", "ada\u3164"],
  ["33 characters", "a".repeat(33)],
  ["Latin with a Cyrillic letter", "\u0430da"],
  ["Latin with a Greek letter", "ad\u03b1"],
  ["the name of a deleted account", "Deleted-5"],
])("%s is not a username", (_, name) => {
  expect(usernameOf(name)).toBeNull();
});

test("compatible spellings of a name get the same canonical form", () => {
  expect(usernameOf("ＡＤＡ")).toBe("ADA");
  expect(usernameOf("e\u0301va")).toBe("\u00e9va");
  expect(usernameOf("\ufb01na")).toBe("fina");
});

test("names that differ only in case have the same fold", () => {
  for (const [one, other] of [
    ["Ada", "aDA"],
    ["straße", "STRASSE"],
    ["ΟΔΟΣ", "οδος"],
    ["ОЛЬГА", "ольга"],
  ] as const)
    expect(foldOf(one)).toBe(foldOf(other));
});

test.each([
  ["ada.lovelace@example.com", "ada.lovelace"],
  ["ada+chat@example.com", "adachat"],
  ["...@example.com", "user"],
  ["deleted-7@example.com", "user"],
  ["\u0430da@example.com", "user"],
  ["Ada Lovelace", "AdaLovelace"],
  [`${"x".repeat(60)}@example.com`, "x".repeat(32)],
])("the name derived from %s is %s, then the same with a suffix", (wanted, name) => {
  const names = [...namesFor(wanted)];
  expect(names[0]).toBe(name);
  expect(new Set(names).size).toBeGreaterThan(5);
  for (const each of names) expect(usernameOf(each)).toBe(each);
});
