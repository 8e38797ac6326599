import { expect, test } from "bun:test";
import { namesFor, usernameOf } from "../../src/auth/usernames.ts";

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
  "ශ්\u200dරී",
  "می\u200cخواهم",
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
  ["a combining grapheme joiner", "ad\u034fa"],
  ["a joiner between Latin letters", "ad\u200ca"],
  ["a joiner at the end", "ශ්\u200d"],
  ["five marks on one letter", "q\u0301\u0302\u0303\u0304\u0305"],
  ["thousands of marks", `a${"\u0301".repeat(16_000)}`],
  ["a trailing dot", "ada."],
  ["a reserved name", "Admin"],
  ["a reserved name with a digit for a letter", "r00t"],
  ["a reserved name in Cyrillic letters", "\u0455\u0443\u0455\u0442\u0435\u043c"],
  ["the name of a deleted account with a digit for a letter", "de1eted-5"],
  ["a reserved name with rn for m", "adrnin"],
  ["a reserved name with separators", "_ad-min_"],
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

test.each([
  ["ada.lovelace@example.com", "ada.lovelace"],
  ["ada+chat@example.com", "adachat"],
  ["...@example.com", "user"],
  ["deleted-7@example.com", "user"],
  ["\u0430da@example.com", "user"],
  ["admin@example.com", "user"],
  ["ada.@example.com", "ada"],
  ["می\u200cخواهم", "می\u200cخواهم"],
  ["a\u200cda", "ada"],
  ["a\u0301\u0302\u0303\u0304\u0305\u0306", "user"],
  ["Ada Lovelace", "AdaLovelace"],
  [`${"x".repeat(60)}@example.com`, "x".repeat(32)],
])("the name derived from %s is %s, then the same with a suffix", (wanted, name) => {
  const names = [...namesFor(wanted)];
  expect(names[0]).toBe(name);
  expect(new Set(names).size).toBeGreaterThan(5);
  for (const each of names) expect(usernameOf(each)).toBe(each);
});
