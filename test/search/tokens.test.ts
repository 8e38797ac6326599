import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { inCodePoints, joined, placesOf } from "../../src/search/match.ts";
import { lookupsOf, termsOf } from "../../src/search/terms.ts";
import { tokensOf } from "../../src/search/tokens.ts";

const words = (text: string) => tokensOf(text).map(({ text: token }) => token);
const found = (query: string, text: string) =>
  placesOf(tokensOf(query), tokensOf(text)).map(([start, end]) => text.slice(start, end));

test.each([
  ["Hello, World!", ["hello", "world"]],
  ["don't", ["don", "t"]],
  ["Straße STRASSE ſtraße", ["strasse", "strasse", "strasse"]],
  ["Café CAFE\u0301 cafe", ["cafe", "cafe", "cafe"]],
  ["ΟΔΟΣ οδός", ["οδοσ", "οδοσ"]],
  ["İstanbul Iğdır ISTANBUL", ["istanbul", "igdir", "istanbul"]],
  ["Łódź smørrebrød", ["lodz", "smorrebrod"]],
  ["ｆｕｌｌ Ⅷ ﬁne ½", ["full", "viii", "fine", "1", "2"]],
  ["Привет ёлка ЁЛКА", ["привет", "елка", "елка"]],
  ["اَلْعَرَبِيَّة العربية", ["العربية", "العربية"]],
  ["हिन्दी", ["हिन्दी"]],
  ["soft\u00adhyphen zero\u200bwidth", ["softhyphen", "zero", "width"]],
  ["👍🏽 ok ❤️", ["👍", "ok", "❤"]],
  ["", []],
  ["… — !?", []],
])("the words of %j", (text, expected) => {
  expect(words(text)).toEqual(expected);
});

test.each([
  ["東京都", ["東京", "京都", "都"]],
  ["iPhone13を買う。水", ["iphone13", "を買", "買う", "う", "水"]],
  ["한국어", ["한국", "국어", "어"]],
  ["\u1112\u1161\u11ab\u1100\u116e\u11a8", ["한국", "국"]],
  ["ﾃﾞｰﾀ データ", ["デー", "ータ", "タ", "デー", "ータ", "タ"]],
  ["สวัสดี", ["สว", "วั", "ัส", "สด", "ดี", "ี"]],
])("the pairs of %j", (text, expected) => {
  expect(termsOf(tokensOf(text))).toEqual(expected);
});

test.each([
  ["京", "東京都", ["京"]],
  ["京都", "東京都 京 都", ["京都"]],
  ["都", "東京都", ["都"]],
  ["国語", "韓国、語", []],
  ["quick brown", "The Quick, brown fox", ["Quick, brown"]],
  ["brown quick", "The quick brown fox", []],
  ["don't", "We DON'T", ["DON'T"]],
  ["user@example.com", "Write to User@Example.com.", ["User@Example.com"]],
  ["cafe", "Un CAFÉ, un cafe\u0301", ["CAFÉ", "cafe\u0301"]],
  ["ส", "สวัส", ["ส", "ส"]],
  ["กำ", "กํา", ["กํา"]],
  ["strasse", "Straße", ["Straße"]],
  ["ell", "Hello", []],
])("%j in %j", (query, text, expected) => {
  expect(found(query, text)).toEqual(expected);
});

test("places are given in code points, and those that overlap are one", () => {
  const text = "👍👍 東京都";
  const places = joined([
    ...placesOf(tokensOf("京都"), tokensOf(text)),
    ...placesOf(tokensOf("東京"), tokensOf(text)),
  ]);
  expect(places).toEqual([[5, 8]]);
  expect(inCodePoints(text, places)).toEqual([[3, 6]]);
});

const SAMPLES = [
  "a",
  "É",
  "ß",
  "水",
  "日本",
  "が",
  "か\u3099",
  "ก",
  "ำ",
  "한",
  "\u1112\u1161\u11ab",
  "👍",
  " ",
  ".",
  "\u0301",
  "1",
  "ﬁ",
];
const drawn = fc
  .array(fc.oneof(fc.constantFrom(...SAMPLES), fc.string({ unit: "binary", maxLength: 2 })), {
    maxLength: 20,
  })
  .map((parts) => parts.join("").toWellFormed());

test("whatever contains some tokens in a row has the terms that are looked up for them", () =>
  fc.assert(
    fc.property(drawn, fc.nat(20), fc.nat(5), (text, from, length) => {
      const tokens = tokensOf(text);
      const needle = tokens.slice(from, from + length + 1);
      const terms = termsOf(tokens);
      for (const { term, prefix } of lookupsOf(needle))
        expect(terms.some((one) => (prefix ? one.startsWith(term) : one === term))).toBe(true);
    }),
  ));

test("tokens are in order, lie in the text, and are the same whichever form of Unicode the text is in", () =>
  fc.assert(
    fc.property(drawn, (text) => {
      let last = 0;
      for (const { start, end, text: token } of tokensOf(text)) {
        expect(start).toBeGreaterThanOrEqual(Math.min(last, start));
        expect(end).toBeGreaterThan(start);
        expect(end).toBeLessThanOrEqual(text.length);
        expect(token).not.toMatch(/['%:@\\\s]/);
        last = start;
      }
      expect(words(text.normalize("NFD"))).toEqual(words(text.normalize("NFC")));
    }),
  ));

test("ASCII is split the same way as everything else", () =>
  fc.assert(
    fc.property(fc.string({ unit: "binary-ascii" }), (text) => {
      const strange = tokensOf(`${text} é`);
      expect(strange.slice(0, -1)).toEqual(tokensOf(text));
    }),
  ));

test("a text takes time in proportion to its length, whatever it contains", () => {
  for (const worst of ["\u0301\u0316", "a\u0301", "水", "\u1100\u1161", "👍\u200d", "x"]) {
    const text = worst.repeat(10_000 / worst.length);
    const begun = performance.now();
    tokensOf(text);
    // 20 ms on an idle machine. Quadratic work would take seconds.
    expect(performance.now() - begun).toBeLessThan(1_000);
  }
});
