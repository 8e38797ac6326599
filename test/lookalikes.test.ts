import { expect, test } from "bun:test";
import { foldOf, skeletonOf, skeletonsLike } from "../src/lookalikes.ts";

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
  ["in Cyrillic letters", "alice", "\u0430\u04cf\u0456\u0441\u0435"],
  ["in Cyrillic capitals", "alice", "\u0410\u04c0\u0406\u0421\u0415"],
  ["in Cyrillic letters of another shape", "tom", "\u0442\u043e\u043c"],
  ["in Greek letters", "vivo", "\u03bd\u03b9\u03bd\u03bf"],
  ["with a digit for a letter", "bob", "b0b"],
  ["with two letters for one", "mary", "rnary"],
  ["with a capital I for an l", "alice", "aIice"],
  ["in another case", "Lobby", "lobby"],
  ["with an invisible mark", "general", "gen\u034feral"],
  ["with a joiner", "کتابها", "کتاب\u200cها"],
  ["in full width", "general", "ｇｅｎｅｒａｌ"],
])("a name looks like another one %s", (_, name, other) => {
  expect(skeletonsLike(other)).toContain(skeletonOf(name));
});

test("names that can be told apart have different skeletons", () => {
  const names = [
    "alice",
    "alise",
    "bill",
    "bili",
    "ada-2",
    "ada-3",
    "josé",
    "jose",
    "Ольга",
    "олег",
    "日本",
    "日木",
  ];
  expect(new Set(names.map(skeletonOf)).size).toBe(names.length);
});
