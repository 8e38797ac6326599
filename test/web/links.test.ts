import { expect, test } from "bun:test";
import fc from "fast-check";
import { isOnlyEmoji, piecesOf } from "../../src/web/links.ts";

const links = (text: string) => piecesOf(text).flatMap(({ text, href }) => (href ? [[text, href]] : []));

test("web addresses in a text become links, without the punctuation around them", () => {
  expect(links("See https://example.com/a?b=c#d.")).toEqual([
    ["https://example.com/a?b=c#d", "https://example.com/a?b=c#d"],
  ]);
  expect(links("(https://example.com/a_(b)) or http://example.org!")).toEqual([
    ["https://example.com/a_(b)", "https://example.com/a_(b)"],
    ["http://example.org", "http://example.org/"],
  ]);
});

test("only http and https addresses become links", () => {
  for (const text of [
    "javascript:alert(1)",
    "data:text/html,x",
    "file:///etc/passwd",
    "https://",
    "xhttps://a.b",
  ])
    expect(links(text)).toEqual([]);
});

test("an address with a user before its host is not a link, because the user can look like the host", () => {
  expect(links("https://bank.example@evil.example/ http://a:b@c.example")).toEqual([]);
});

test("a host that is not written as it is registered comes with that name", () => {
  expect(piecesOf("https://\u0430pple.com/a")).toEqual([
    {
      text: "https://\u0430pple.com/a",
      href: "https://xn--pple-43d.com/a",
      host: "xn--pple-43d.com",
    },
  ]);
  for (const disguised of ["http://%65vil.example/", "http://evil\u3002example", "http://ev\u00adil.example"])
    expect(piecesOf(disguised)[0]?.host).toBe("evil.example");
  for (const plain of ["https://example.com/\u0430", "HTTPS://Example.COM:8080/"])
    expect(piecesOf(plain)[0]).not.toHaveProperty("host");
});

test("an address that no browser or resolver accepts is not a link", () => {
  expect(links(`https://example.com/${"a".repeat(2048)}`)).toEqual([]);
  expect(links(`https://${"a".repeat(256)}/`)).toEqual([]);
});

test("only the first 50 addresses of a text become links", () => {
  const text = "http://a.example/ ".repeat(60);
  expect(links(text)).toHaveLength(50);
  expect(
    piecesOf(text)
      .map((piece) => piece.text)
      .join(""),
  ).toBe(text);
});

test("no text is lost or changed, and every link is http or https", () => {
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

test("a text of one to three emoji and nothing else is shown large", () => {
  for (const text of ["👍", "🌱🌻", "👩‍👩‍👧‍👦 🏳️‍🌈"]) expect(isOnlyEmoji(text)).toBe(true);
  for (const text of ["", "a", "👍!", "👍👍👍👍", "1"]) expect(isOnlyEmoji(text)).toBe(false);
});
