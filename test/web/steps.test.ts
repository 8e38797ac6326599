import { afterEach, expect, test } from "bun:test";
import { highlight } from "../../src/web/text/highlight.ts";
import { fullBudget, inlineOf } from "../../src/web/text/inline.ts";
import { addressesIn } from "../../src/web/text/links.ts";
import { blocksOf } from "../../src/web/text/blocks.ts";
import { worstTexts } from "../support/worst.ts";

// Reading a text takes linear time: of twice as much text, the functions look at twice as many letters. This counts them,
// because times depend on the machine.

const SIZE = 5_040; // a multiple of the length of most patterns
/** For the fixed part of the work, and for texts that differ a little. */
const RATIO_MAX = 2.5;

let letters = 0;
const originals: (() => void)[] = [];

/** Counts, for each call of a method, what it reads or moves. */
function count<T extends object, K extends keyof T>(
  type: T,
  name: K,
  cost: (self: T, args: unknown[], result: unknown) => number,
) {
  const original = type[name] as (...args: unknown[]) => unknown;
  originals.push(() => void (type[name] = original as T[K]));
  type[name] = function (this: T, ...args: unknown[]) {
    const result = original.apply(this, args);
    letters += 1 + cost(this, args, result);
    return result;
  } as T[K];
}

const sizeOf = (value: unknown) => (typeof value === "string" || Array.isArray(value) ? value.length : 0);

function countAll(): void {
  for (const name of [
    "slice",
    "split",
    "trim",
    "trimEnd",
    "replace",
    "includes",
    "charAt",
    "toLowerCase",
    "normalize",
  ] as const)
    count(String.prototype, name, (self, _, result) =>
      name === "charAt" ? 0 : name === "slice" ? sizeOf(result) : self.length,
    );
  for (const name of ["splice", "join", "flatMap", "map", "filter", "some", "every"] as const)
    count(Array.prototype, name as "splice", (self, _, result) =>
      name === "splice" ? sizeOf(result) : self.length,
    );
  count(RegExp.prototype, "exec", (self, [text], result) => {
    // What follows an earlier match, up to the end of this one.
    if (self.global || self.sticky) return result === null ? 1 : sizeOf((result as RegExpExecArray)[0]);
    return sizeOf(text);
  });
}

function lettersFor(work: () => unknown): number {
  countAll();
  letters = 0;
  work();
  const read = letters;
  restore();
  return read;
}

const restore = () => originals.splice(0).forEach((put) => put());
afterEach(restore);

const unlimited = () => ({ ...fullBudget(), links: Infinity, marks: Infinity });
const LANGUAGES = ["ts", "python", "shell", "sql", "html", "css", "rust", "ruby", "yaml", "diff"];

test.each([
  ["blocksOf", blocksOf],
  ["inlineOf", (text: string) => inlineOf(text, unlimited())],
  ["addressesIn", addressesIn],
  ["highlight", (text: string) => LANGUAGES.map((language) => highlight(text, language))],
] as const)("%s looks at each letter a few times", (_, work) => {
  const twice = new Map(worstTexts(2 * SIZE));
  const wrong = worstTexts(SIZE).flatMap(([name, text]) => {
    const once = lettersFor(() => work(text));
    const ratio = lettersFor(() => work(twice.get(name) ?? "")) / once;
    return ratio > RATIO_MAX && once > SIZE ? [`${name}: ${ratio.toFixed(1)}, ${once}`] : [];
  });
  expect(wrong).toEqual([]);
});

test("this counting finds work that is not linear", () => {
  const quadratic = (text: string) => Array.from(text, (_, at) => text.slice(at).trim());
  expect(
    lettersFor(() => quadratic("a".repeat(400))) / lettersFor(() => quadratic("a".repeat(200))),
  ).toBeGreaterThan(3.5);
});
