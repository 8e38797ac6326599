import { expect, test } from "bun:test";
import fc from "fast-check";
import { isOnlyEmoji, piecesOf } from "../../src/web/links.ts";

const links = (text: string) => piecesOf(text).flatMap(({ text, href }) => (href ? [[text, href]] : []));

test("web addresses in a text are found, without the punctuation around them", () => {
  expect(links("See https://example.com/a?b=c#d.")).toEqual([
    ["https://example.com/a?b=c#d", "https://example.com/a?b=c#d"],
  ]);
  expect(links("(https://example.com/a_(b)) or http://example.org!")).toEqual([
    ["https://example.com/a_(b)", "https://example.com/a_(b)"],
    ["http://example.org", "http://example.org/"],
  ]);
});

test("nothing but http and https is a link", () => {
  for (const text of [
    "javascript:alert(1)",
    "data:text/html,x",
    "file:///etc/passwd",
    "https://",
    "xhttps://a.b",
  ])
    expect(links(text)).toEqual([]);
});

test("nothing of a text is lost or changed, and every link is one that a browser takes for the web", () => {
  const text = fc.array(
    fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom("https://", "http://a.", ")", "(", "\u{202e}", " ", "<"),
    ),
  );
  fc.assert(
    fc.property(text, (parts) => {
      const whole = parts.join("");
      const pieces = piecesOf(whole);
      expect(pieces.map((piece) => piece.text).join("")).toBe(whole);
      for (const { href } of pieces) if (href) expect(new URL(href).protocol).toMatch(/^https?:$/);
    }),
  );
});

test("one to three emoji and nothing else are shown large", () => {
  for (const text of ["👍", "🌱🌻", "👩‍👩‍👧‍👦 🏳️‍🌈"]) expect(isOnlyEmoji(text)).toBe(true);
  for (const text of ["", "a", "👍!", "👍👍👍👍", "1"]) expect(isOnlyEmoji(text)).toBe(false);
});
