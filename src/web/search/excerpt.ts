type Ranges = readonly (readonly [start: number, end: number])[];

/** A part of a text. `marked`: it was searched for. */
export interface Piece {
  readonly text: string;
  readonly marked: boolean;
}

/** About how much is shown before the first place, and altogether, in UTF-16 code units. */
const BEFORE = 60;
const LENGTH = 240;

/** The part of a text around the first place that was searched for, in pieces. */
export function excerptOf(content: string, highlights: Ranges): readonly Piece[] {
  const [first = 0] = highlights[0] ?? [];
  // Not in the middle of a character that takes two units.
  const from = onCharacter(content, first > BEFORE ? first - BEFORE : 0);
  const to = onCharacter(content, Math.min(content.length, from + LENGTH));
  const pieces: Piece[] = [];
  let at = from;
  const add = (end: number, marked: boolean) => {
    if (end > at) pieces.push({ text: content.slice(at, end), marked });
    at = Math.max(at, end);
  };
  if (from > 0) pieces.push({ text: "…", marked: false });
  for (const [start, end] of highlights) {
    if (start >= to) break;
    add(start, false);
    add(Math.min(end, to), true);
  }
  add(to, false);
  if (to < content.length) pieces.push({ text: "…", marked: false });
  return pieces;
}

const onCharacter = (text: string, at: number): number =>
  /[\ud800-\udbff]/.test(text.charAt(at - 1)) && /[\udc00-\udfff]/.test(text.charAt(at)) ? at + 1 : at;
