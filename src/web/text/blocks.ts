import { type Budget, fullBudget, type Inline, inlineOf, joined } from "./inline.ts";

/** A part of a message. */
export type Block = Paragraphs | Quoted | List | Fenced;
/** Text between other blocks, with its line breaks. */
interface Paragraphs {
  readonly kind: "text";
  readonly inside: readonly Inline[];
}
interface Quoted {
  readonly kind: "quote";
  readonly inside: readonly Block[];
}
interface List {
  readonly kind: "list";
  readonly ordered: boolean;
  readonly items: readonly Item[];
}
interface Item {
  /** What precedes the item, as it is shown: a bullet, or its number as it was written. */
  readonly marker: string;
  readonly inside: readonly Block[];
}
interface Fenced {
  readonly kind: "code";
  readonly language: string;
  readonly text: string;
}

/** Nested deeper, quotes and lists stay text. */
const DEPTH_MAX = 5;
/** In UTF-16 units. The server's limit is in code points. */
const LONGEST = 20_000;

/** What a block begins with. */
const BEGINNING = /^ {0,3}[`>*\-\d]/;
const FENCE = /^( {0,3})(`{3,16})[ \t]*([\w+#.-]*)[ \t]*$/;
/** Code that begins beside its fence. */
const BESIDE = /^()(```)()([^`]+)$/;
const QUOTE = /^ {0,3}>(?: |$)/;
/** Not a line of stars or dashes. */
const ITEM = /^( {0,3})([-*]|\d{1,9}[.)])[ \t]+(?=\S)(?![-* ]*$)/;

/** Parses the markup of a message. Takes linear time. A text that is longer than any message has none. */
export const blocksOf = (text: string): Block[] =>
  text.length > LONGEST ? [{ kind: "text", inside: [text] }] : parse(text.split("\n"), 0, fullBudget());

function parse(lines: readonly string[], depth: number, budget: Budget): Block[] {
  const blocks: Block[] = [];
  let plain: string[] = [];
  const endText = () => {
    // Blocks have space around them: an empty line before or after one is not shown.
    if (blocks.length > 0 && plain[0]?.trim() === "") plain.shift();
    const inside = paragraphsOf(plain, budget);
    if (inside.length > 0) blocks.push({ kind: "text", inside });
    plain = [];
  };
  const lastEnd = lines.findLastIndex((line) => lastOf(line, "```") !== undefined);
  for (let at = 0; at < lines.length;) {
    const found =
      budget.marks > 0 && BEGINNING.test(lines[at] as string)
        ? (fencedAt(lines, at, lastEnd) ??
          (depth < DEPTH_MAX
            ? (quotedAt(lines, at, depth, budget) ?? listAt(lines, at, depth, budget))
            : undefined))
        : undefined;
    if (found) {
      if (plain.at(-1)?.trim() === "") plain.pop();
      endText();
      budget.marks--;
      blocks.push(found.block);
      at = found.end;
    } else plain.push(lines[at++] as string);
  }
  endText();
  return blocks;
}

interface Found {
  readonly block: Block;
  /** The first line after it. */
  readonly end: number;
}

/** The code before the end of a fence in the same line. Returns undefined if the line does not end with the fence. */
function lastOf(line: string, fence: string): string | undefined {
  const last = line.includes(fence) ? line.trimEnd() : "";
  if (!last.endsWith(fence)) return undefined;
  const before = last.replace(/`+$/, "");
  return before.trim() === "" || (fence === "```" && !before.includes("`")) ? before : undefined;
}

/** Without an end, a fence reaches to the end of the text. Code beside a fence needs an end: it may be prose. */
function fencedAt(lines: readonly string[], from: number, lastEnd: number): Found | undefined {
  const line = lines[from] as string;
  const [, indent = "", fence = "", language = "", beside] =
    FENCE.exec(line) ?? (from < lastEnd ? BESIDE.exec(line) : null) ?? [];
  if (fence === "") return undefined;
  const code = beside === undefined ? [] : [beside];
  let end = from + 1;
  for (let last: string | undefined; last === undefined && end < lines.length; end++) {
    const next = lines[end] as string;
    last = lastOf(next, fence);
    if (last?.trim() !== "") code.push((last ?? next).replace(new RegExp(`^ {0,${indent.length}}`), ""));
  }
  return { block: { kind: "code", language, text: code.join("\n") }, end };
}

function quotedAt(lines: readonly string[], from: number, depth: number, budget: Budget): Found | undefined {
  let end = from;
  while (QUOTE.test(lines[end] ?? "")) end++;
  const inner = lines.slice(from, end).map((line) => line.replace(QUOTE, ""));
  if (inner.every((line) => line.trim() === "")) return undefined;
  return { block: { kind: "quote", inside: parse(inner, depth + 1, budget) }, end };
}

function listAt(lines: readonly string[], from: number, depth: number, budget: Budget): Found | undefined {
  const [, indent = "", first = ""] = ITEM.exec(lines[from] as string) ?? [];
  if (first === "") return undefined;
  const ordered = /\d/.test(first);
  const items: Item[] = [];
  let end = from;
  while (budget.marks-- > 0) {
    const [all = "", , marker = ""] = ITEM.exec(lines[end] ?? "") ?? [];
    if (marker === "" || /\d/.test(marker) !== ordered) break;
    const inner = [(lines[end++] as string).slice(all.length)];
    for (let rest; (rest = continued(lines[end] ?? "", indent.length + 2, all.length)) !== undefined; end++)
      inner.push(rest);
    items.push({ marker: ordered ? marker : "•", inside: parse(inner, depth + 1, budget) });
  }
  return { block: { kind: "list", ordered, items }, end };
}

/** Returns a line of a list without its indentation, if it has enough of it to belong to the item before it. */
function continued(line: string, least: number, most: number): string | undefined {
  const spaced = line.replace(/^\t/, "    ");
  const width = spaced.search(/[^ ]/);
  return width >= least ? spaced.slice(Math.min(width, most)) : undefined;
}

/** Emphasis and code end with a paragraph. */
function paragraphsOf(lines: readonly string[], budget: Budget): Inline[] {
  const found: Inline[] = [];
  let paragraph: string[] = [];
  const end = () => {
    if (paragraph.length > 0) found.push(...inlineOf(paragraph.join("\n"), budget));
    paragraph = [];
  };
  lines.forEach((line, index) => {
    const isEmpty = line.trim() === "";
    if (isEmpty) end();
    if (isEmpty || paragraph.length === 0) found.push((index > 0 ? "\n" : "") + (isEmpty ? line : ""));
    if (!isEmpty) paragraph.push(line);
  });
  end();
  return joined(found);
}

/** The text of a message in one line, without its markup. */
export const plainOf = (text: string): string => textOf(blocksOf(text)).replace(/\s+/g, " ").trim();

const textOf = (blocks: readonly Block[]): string => blocks.map(textOfBlock).join(" ");

function textOfBlock(block: Block): string {
  if (block.kind === "code") return block.text;
  if (block.kind === "list")
    return block.items.map(({ marker, inside }) => `${marker} ${textOf(inside)}`).join(" ");
  return block.kind === "text" ? block.inside.map(textOfInline).join("") : textOf(block.inside);
}

function textOfInline(piece: Inline): string {
  if (typeof piece === "string") return piece;
  return piece.kind === "code" ? piece.text : piece.inside.map(textOfInline).join("");
}
