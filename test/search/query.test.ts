import { expect, test } from "bun:test";
import { BadQuery, parseQuery, type Query } from "../../src/search/query.ts";

const needlesOf = ({ needles }: Query) => needles.map((tokens) => tokens.map(({ text }) => text).join(" "));
const faultOf = (text: string) => {
  try {
    parseQuery(text);
  } catch (error) {
    if (error instanceof BadQuery) return error.message;
    throw error;
  }
  return undefined;
};

test.each([
  ["hello world", ["hello", "world"]],
  ['"hello world" again', ["hello world", "again"]],
  ["“hello world”", ["hello world"]],
  ["don't", ["don t"]],
  ["note: this", ["note", "this"]],
  ["https://example.com/a", ["https example com a"]],
  ["before ! after", ["before", "after"]],
  ["東京 from:ada", ["東 京"]],
])("%j looks for %j", (text, needles) => {
  expect(needlesOf(parseQuery(text))).toEqual(needles);
});

test("filters say who wrote a message, where, when, and what it has", () => {
  const query = parseQuery(
    'FROM:@ada in:~abc before:2026-03-01 after:2026-01-31T12:00:00+01:00 has:link has:FILE "x y"',
  );
  expect(query).toMatchObject({
    from: "@ada",
    in: "~abc",
    before: Date.parse("2026-03-01T00:00:00Z"),
    after: Date.parse("2026-01-31T11:00:00Z"),
  });
  expect([...query.has]).toEqual(["link", "file"]);
  expect(needlesOf(query)).toEqual(["x y"]);
});

test("after a day begins with the next one", () => {
  expect(parseQuery("x after:2026-01-31").after).toBe(Date.parse("2026-02-01T00:00:00Z"));
});

test("a filter alone is enough, except those of time and room", () => {
  expect(faultOf("from:ada")).toBeUndefined();
  expect(faultOf("has:file")).toBeUndefined();
  expect(faultOf("in:lobby before:2026-01-01")).toMatch(/nothing to look for/);
});

test.each([
  ["", /nothing to look for/],
  ["!!!", /nothing to look for/],
  ['"hello', /not closed/],
  ["from: ada", /without a value/],
  ['in:"" x', /without a value/],
  ["from:ada from:ben", /more than once/],
  ["has:video", /has:link or has:file/],
  ["x before:yesterday", /no date/],
  ["x before:2026-02-30", /no date/],
  ["x after:2026-13-01", /no date/],
  [Array.from({ length: 17 }, (_, n) => `w${n}`).join(" "), /too many words/],
])("%j is explained", (text, fault) => {
  expect(faultOf(text)).toMatch(fault);
});
