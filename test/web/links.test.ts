import { expect, test } from "bun:test";
import fc from "fast-check";
import { isOnlyEmoji } from "../../src/web/text/emoji.ts";
import { addressesIn } from "../../src/web/text/links.ts";

const links = (text: string) =>
  addressesIn(text).flatMap(({ from, to, target }) => (target ? [[text.slice(from, to), target.href]] : []));
const texts = (text: string) => links(text).map(([written]) => written);
/** The host that is shown beside an address, because what is written could pass for another one. */
const shownHost = (text: string) => {
  const [address] = addressesIn(text);
  return address?.disguised ? address.target?.host : undefined;
};

test("web addresses in a text become links, without the punctuation around them", () => {
  expect(links("See https://example.com/a?b=c#d.")).toEqual([
    ["https://example.com/a?b=c#d", "https://example.com/a?b=c#d"],
  ]);
  expect(links("(https://example.com/a_(b)) or http://example.org!")).toEqual([
    ["https://example.com/a_(b)", "https://example.com/a_(b)"],
    ["http://example.org", "http://example.org/"],
  ]);
});

test.each([
  // in front of punctuation of any script
  ["https://example.com/路径。后面的话", "https://example.com/路径"],
  ["https://example.com/a，https", "https://example.com/a"],
  ["https://example.com/a، ثم", "https://example.com/a"],
  ["https://example.com/a؟", "https://example.com/a"],
  ["https://example.com/a।", "https://example.com/a"],
  ["https://example.com/a…", "https://example.com/a"],
  ["|https://example.com/a|b", "https://example.com/a"],
  ["https://example.com/a,b;c:d!?", "https://example.com/a,b;c:d"],
  ["https://example.com/a–b –", "https://example.com/a–b"],
  ["https://example.com👍", "https://example.com"],
  // in quotation marks and brackets
  ["[https://example.com/x]", "https://example.com/x"],
  ["https://example.com/?a[0]=1", "https://example.com/?a[0]=1"],
  ["(see https://example.com/x),", "https://example.com/x"],
  ["「https://example.com/x」", "https://example.com/x"],
  ["“https://example.com/x”", "https://example.com/x"],
  ["'https://example.com/x','y'", "https://example.com/x"],
  ["https://example.com/l'an", "https://example.com/l'an"],
  ["**https://example.com/x**", "https://example.com/x"],
  ["http://[::1]:3000/x", "http://[::1]:3000/x"],
  // beside words of a script without spaces
  ["请看https://example.com查看", "https://example.com"],
  ["https://example.com:8080를", "https://example.com:8080"],
  ["https://ja.wikipedia.org/wiki/ジョン・スミス", "https://ja.wikipedia.org/wiki/ジョン・スミス"],
  ["https://fa.wikipedia.org/wiki/می\u200cخواهم", "https://fa.wikipedia.org/wiki/می\u200cخواهم"],
])("the address in %s is %s", (text, address) => {
  expect(texts(text)).toEqual([address]);
});

test("addresses without a scheme, and of e-mail, become links", () => {
  expect(links("www.example.com/a. WWW.EXAMPLE.ORG")).toEqual([
    ["www.example.com/a", "https://www.example.com/a"],
    ["WWW.EXAMPLE.ORG", "https://www.example.org/"],
  ]);
  expect(links("mailto:ada@example.com, ben+x@example.co.uk; E-mail:cy@example.org")).toEqual([
    ["mailto:ada@example.com", "mailto:ada@example.com"],
    ["ben+x@example.co.uk", "mailto:ben+x@example.co.uk"],
    ["cy@example.org", "mailto:cy@example.org"],
  ]);
  for (const text of [
    "www.",
    "www.x",
    "awww.example.com",
    "@ada",
    "a@b",
    "a@b@c.example",
    "left-pad@1.3.0",
    "git@github.com:parley/parley.git",
    "müller@example.com",
    "a..b@example.com",
    "a@example..com",
  ])
    expect(texts(text)).not.toContainEqual(expect.stringContaining("@"));
});

test("other schemes do not become links, nor what is in their addresses", () => {
  for (const text of [
    "javascript:alert(1)",
    "data:text/html,x",
    "file:///etc/www.example.com",
    "https://",
    "xhttps://a.b",
    "postgres://ada:secret@db.example.com/x",
    "git+https://example.com/x",
  ])
    expect(links(text)).toEqual([]);
});

test("an address with a user before its host is not a link, because the user can look like the host", () => {
  expect(
    links("https://bank.example@evil.example/ http://a:b@c.example https://google.com@evil.com"),
  ).toEqual([]);
});

test.each([
  ["scripts that are mixed", "https://\u0430pple.com/a", "xn--pple-43d.com"],
  ["letters that look like Latin ones", "https://аррӏе.com", "xn--80ak6aa92e.com"],
  ["Greek letters that look like Latin ones", "https://νικοτ.gr", "xn--uxachkz.gr"],
  ["a mark that the underline hides", "https://goọgle.com", "xn--gogle-381b.com"],
  ["a rare Latin letter", "https://ɡoogle.com", "xn--oogle-qmc.com"],
  ["letters in full width", "https://ｇｏｏｇｌｅ.com", "google.com"],
  ["a percent escape", "http://%65vil.example/", "evil.example"],
  ["an invisible hyphen", "http://ev\u00adil.example", "evil.example"],
  ["an address in octal", "http://0177.1/", "127.0.0.1"],
])("the registered host is shown beside %s: %s", (_, text, host) => {
  expect(shownHost(text)).toBe(host);
});

test.each([
  "https://example.com/\u0430",
  "HTTPS://Example.COM:8080/",
  "https://example.com:443/",
  "https://münchen.de",
  "https://例え.jp",
  "https://пример.рф",
  "https://한국.kr",
  "https://موقع.وزارة-الاتصالات.مصر",
  "https://ドメイン名例.jp",
  "https://हिन्दी.भारत",
  "https://xn--pple-43d.com",
  "ada@münchen.de",
])("nothing is shown beside an honest host: %s", (text) => {
  expect(links(text)).toHaveLength(1);
  expect(shownHost(text)).toBeUndefined();
});

test("an address that no browser or resolver accepts is not a link", () => {
  expect(links(`https://example.com/${"a".repeat(2048)}`)).toEqual([]);
  expect(links(`https://${"a".repeat(256)}/`)).toEqual([]);
});

test("addresses are in order, do not overlap, and lead to the web or to e-mail", () => {
  const text = fc.array(
    fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom(
        "https://",
        "http://a.",
        "www.a.",
        "@",
        "mailto:",
        ".b",
        ")",
        "(",
        "\u{202e}",
        " ",
        "<",
      ),
    ),
  );
  fc.assert(
    fc.property(text, (parts) => {
      let at = 0;
      for (const { from, to, target } of addressesIn(parts.join(""))) {
        expect(from).toBeGreaterThanOrEqual(at);
        expect(to).toBeGreaterThan(from);
        at = to;
        if (target) expect(new URL(target.href).protocol).toMatch(/^(?:https?|mailto):$/);
      }
    }),
  );
});

test("a text of one to three emoji and nothing else is shown large", () => {
  for (const text of ["👍", "🌱🌻", "👩‍👩‍👧‍👦 🏳️‍🌈", "❤️"]) expect(isOnlyEmoji(text)).toBe(true);
  for (const text of ["", "a", "👍!", "👍👍👍👍", "1"]) expect(isOnlyEmoji(text)).toBe(false);
});

test("emoji come from a colour font first, and digits and signs do not", async () => {
  const css = await Bun.file(new URL("../../src/web/style/base.css", import.meta.url)).text();
  const ranges = Array.from(
    /unicode-range:([^;]+);/.exec(css)?.[1]?.matchAll(/U\+([\da-f]+)(?:-([\da-f]+))?/g) ?? [],
    ([, first = "", last = first]) => [parseInt(first, 16), parseInt(last, 16)] as const,
  );
  const isIn = (point: number) => ranges.some(([first, last]) => point >= first && point <= last);
  // Those that are text by default get the colour font from the selector that follows them.
  const joins = [0x200d, 0x20e3, 0xfe0f];
  for (let point = 0; point < 0x1f000; point++)
    if (
      isIn(point) !== (/\p{Emoji_Presentation}/u.test(String.fromCodePoint(point)) || joins.includes(point))
    )
      throw new Error(`U+${point.toString(16)} is in the wrong font`);
  for (const emoji of "😂👍🫩") expect(isIn(emoji.codePointAt(0) ?? 0)).toBe(true);
  expect(css).toMatch(/font:\s*400 [^;]*? "Colour Emoji",\s*system-ui/);
});
