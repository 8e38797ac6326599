import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import fc from "fast-check";
import { type Block, blocksOf, plainOf } from "../../src/web/text/blocks.ts";
import type { Inline } from "../../src/web/text/inline.ts";
import { hasSigns } from "../../src/web/text/markup.ts";

const draw = (blocks: readonly Block[]): string => blocks.map(drawBlock).join("");

function drawBlock(block: Block): string {
  if (block.kind === "text") return block.inside.map(drawInline).join("");
  if (block.kind === "code") return `<pre${block.language && ` ${block.language}`}>${block.text}</pre>`;
  if (block.kind === "quote") return `<blockquote>${draw(block.inside)}</blockquote>`;
  const items = block.items.map(({ marker, inside }) => `<li>${marker} ${draw(inside)}</li>`).join("");
  return block.ordered ? `<ol>${items}</ol>` : `<ul>${items}</ul>`;
}

function drawInline(piece: Inline): string {
  if (typeof piece === "string") return piece;
  if (piece.kind === "code") return `<code>${piece.text}</code>`;
  const inside = piece.inside.map(drawInline).join("");
  if (piece.kind !== "link") return `<${piece.kind}>${inside}</${piece.kind}>`;
  return `<a href="${piece.href}">${inside}${piece.host ? ` (${piece.host})` : ""}</a>`;
}

const shown = (text: string) => draw(blocksOf(text));

/** The rows of the document's tables, as the texts of their code. */
const document = await Bun.file(join(import.meta.dir, "../../docs/MARKDOWN.md")).text();
const rows = document
  .split("\n")
  .filter((line) => /^\| *`/.test(line))
  .map((line) =>
    line
      .slice(1, -1)
      .split(" | ")
      .map((cell) => /^(`+) ?(.*?) ?\1$/.exec(cell.trim())?.[2]?.replaceAll("⏎", "\n")),
  );

describe("docs/MARKDOWN.md is true:", () => {
  expect(rows.length).toBeGreaterThan(35);
  for (const [written = "", becomes = written] of rows)
    test(written, () => {
      expect(shown(written)).toBe(becomes);
    });
});

test.each([
  "int *p, *q; a = *p * *q;",
  "/* a comment */ and // another",
  "SELECT count(*), sum(*) FROM t",
  '_("Save") and _("Open")',
  "*.ts, *.js and **/*.css",
  ":* :-* ;) :) :_ >:(",
  "5* hotels, 4* hotels",
  "a ~~ b ~~ c",
  "it`s Johns",
  ">text, >= 10 and x > 5",
  "C:\\*.txt and \\_private",
  "2**3**4",
  ">>> 1 + 1",
  "--- and -- and -5 and *5",
  "T_T o_O -_- (*_*) _ __ ___",
  "$_GET['a'] and $_POST['b']",
  "[](https)[a] [b]: c ](d) [[e",
  "git@github.com:parley/parley.git",
])("is prose: %s", (text) => {
  expect(shown(text)).toBe(text);
});

test("emphasis nests, and what does not fit stays text", () => {
  expect(shown("***a** b*")).toBe("<em><strong>a</strong> b</em>");
  expect(shown("***a* b**")).toBe("<strong><em>a</em> b</strong>");
  expect(shown("**a *b***")).toBe("<strong>a <em>b</em></strong>");
  expect(shown("*a _b* c_")).toBe("<em>a _b</em> c_");
  expect(shown("*a **b*")).toBe("<em>a **b</em>");
  expect(shown("**see https://a.example/x_y_z**")).toBe(
    '<strong>see <a href="https://a.example/x_y_z">https://a.example/x_y_z</a></strong>',
  );
  expect(shown("*a\n\nb*")).toBe("*a\n\nb*");
});

test("nothing in code or in an address is markup", () => {
  expect(shown("`**a** https://a.example [b](https://b.example)`")).toBe(
    "<code>**a** https://a.example [b](https://b.example)</code>",
  );
  expect(shown("file:///a_b_/_c_ *d*")).toBe("file:///a_b_/_c_ <em>d</em>");
});

test("a link contains no other, and shows where it leads if its text could be another address", () => {
  expect(shown("[see https://a.example](https://b.example)")).toBe(
    '<a href="https://b.example/">see https://a.example (b.example)</a>',
  );
  expect(shown("[https://a.example/](https://a.example/b)")).toBe(
    '<a href="https://a.example/b">https://a.example/</a>',
  );
  expect(shown("[a [b](https://b.example)")).toBe('[a <a href="https://b.example/">b</a>');
  expect(shown("[b](https://\u0430pple.com)")).toBe(
    '<a href="https://xn--pple-43d.com/">b (xn--pple-43d.com)</a>',
  );
  for (const label of ["google。com", "google.com", "http://google", "me@google.com", "a\u2024b"])
    expect(shown(`[${label}](https://evil.example)`)).toContain("(evil.example)");
});

test("fences may be indented, begin beside code, and end a line of it", () => {
  expect(shown("a\n\n   ```sh\n   ls\n     -l\n   ```\n\nb")).toBe("a<pre sh>ls\n  -l</pre>b");
  expect(shown("```let a = 1;\nlet b;```")).toBe("<pre>let a = 1;\nlet b;</pre>");
  expect(shown("```let a = 1;\nand prose")).toBe("```let a = 1;\nand prose");
  expect(shown("````\n```\n````")).toBe("<pre>```</pre>");
});

test("lines that belong to an item are indented", () => {
  expect(shown("- a\n  b\n- c\nd")).toBe("<ul><li>• a\nb</li><li>• c</li></ul>d");
  expect(shown("1. a\n   > b\n2) c")).toBe("<ol><li>1. a<blockquote>b</blockquote></li><li>2) c</li></ol>");
  expect(shown("- a\n1. b")).toBe("<ul><li>• a</li></ul><ol><li>1. b</li></ol>");
});

test("a preview is one line without marks", () => {
  expect(plainOf("**Bold** `code`\n- one\n- [two](https://a.example)\n> three\n```js\nfour\n```")).toBe(
    "Bold code • one • two three four",
  );
});

/** Texts made of marks, and of what can be around them. */
const marked = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(..."*_~`[]()>-1.\\ \n", "**", "***", "~~", "```", "](", "  ") },
      {
        weight: 2,
        arbitrary: fc.constantFrom(
          "a",
          "b1",
          "中",
          "👍",
          "https://a.example/",
          "c@d.example",
          "www.e.example",
        ),
      },
      { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 4 }) },
    ),
    { maxLength: 60 },
  )
  .map((parts) => parts.join(""));

/** The texts of blocks, without what the page adds. */
const textOf = (blocks: readonly Block[]): string =>
  blocks
    .map((block): string => {
      if (block.kind === "text") return block.inside.map(textOfInline).join("");
      if (block.kind === "code") return block.language + block.text;
      if (block.kind === "quote") return textOf(block.inside);
      return block.items.map(({ marker, inside }) => marker.replace("•", "") + textOf(inside)).join("");
    })
    .join("");
const textOfInline = (piece: Inline): string => {
  if (typeof piece === "string") return piece;
  return piece.kind === "code" ? piece.text : piece.inside.map(textOfInline).join("");
};

test("no character is lost or moved except marks", () => {
  fc.assert(
    fc.property(marked, (text) => {
      const left = textOf(blocksOf(text));
      // All that is shown was written, in this order.
      let at = 0;
      for (const letter of left) {
        const found = text.indexOf(letter, at);
        // Code in a list loses no more than its indentation, but a tab of it becomes spaces.
        if (found === -1 && letter === " ") continue;
        expect(found).not.toBe(-1);
        at = found + letter.length;
      }
      // All that was written is shown, except marks, spaces, and where links lead.
      const bare = (of: string) =>
        of
          .replace(/\]\((?:https:\/\/a\.example\/|c@d\.example|www\.e\.example)[^\s)]*\)/g, "")
          .replace(/[*_~`[\]()>\-\\\s]/gu, "");
      if (!/\]\(/.test(text)) expect(bare(left)).toBe(bare(text));
    }),
  );
});

test("text without signs is not parsed, and parsing it would change nothing", () => {
  fc.assert(
    fc.property(fc.oneof(marked, fc.string({ unit: "binary" })), (text) => {
      if (!hasSigns(text)) expect(shown(text)).toBe(text);
    }),
  );
});

test("what is shown twice is what is shown once: copied prose keeps its meaning", () => {
  for (const [written = "", becomes] of rows)
    if (becomes === undefined) expect(shown(shown(written))).toBe(written);
});

test("a message has at most 50 links and 300 other marks", () => {
  const count = (text: string, tag: string) => shown(text).split(tag).length - 1;
  expect(count("http://a.example ".repeat(60), "<a ")).toBe(50);
  expect(count("*a* ".repeat(1000), "<em>")).toBe(300);
  expect(count("- a\n".repeat(1000), "<li>")).toBe(300);
  expect(count("> - ".repeat(1000) + "a", "<")).toBeLessThan(20);
});
