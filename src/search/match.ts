import type { Token } from "./tokens.ts";

/** A part of a text, in UTF-16 code units: from `start` up to and without `end`. */
export type Range = readonly [start: number, end: number];

/** Finds the places where tokens stand in a row in a text, in order. */
export function placesOf(needle: readonly Token[], text: readonly Token[]): Range[] {
  const places: Range[] = [];
  for (let at = 0; at + needle.length <= text.length; at++) {
    if (!needle.every((token, n) => isSame(token, text[at + n] as Token))) continue;
    places.push([(text[at] as Token).start, (text[at + needle.length - 1] as Token).end]);
  }
  return places;
}

/** Characters that stand together in what is searched for stand together in the text. */
const isSame = (wanted: Token, there: Token): boolean =>
  wanted.text === there.text && wanted.kind === there.kind && (!wanted.joined || there.joined);

/** Sorts ranges, and joins those that overlap. */
export function joined(ranges: readonly Range[]): Range[] {
  const result: Range[] = [];
  for (const [start, end] of ranges.toSorted(([a], [b]) => a - b)) {
    const last = result.at(-1);
    if (last && start <= last[1]) result[result.length - 1] = [last[0], Math.max(last[1], end)];
    else result.push([start, end]);
  }
  return result;
}

/** Converts ranges of a text, which are in order, from UTF-16 code units to code points. */
export function inCodePoints(text: string, ranges: readonly Range[]): Range[] {
  let unit = 0;
  let point = 0;
  const pointAt = (wanted: number): number => {
    for (; unit < wanted; point++) unit += (text.codePointAt(unit) ?? 0) > 0xffff ? 2 : 1;
    return point;
  };
  return ranges.map(([start, end]) => [pointAt(start), pointAt(end)]);
}
