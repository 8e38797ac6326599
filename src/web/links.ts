/** A piece of a text: plain, or a link if it has an `href`. */
export interface Piece {
  readonly text: string;
  readonly href?: string;
}

const ADDRESS = /\bhttps?:\/\/[^\s<>"'`\u{200b}-\u{200f}\u{202a}-\u{202e}\u{2066}-\u{2069}]+/giu;
/** Punctuation that ends a sentence rather than an address. */
const AFTER = /[.,;:!?…»”’\]}*_~]+$/u;

/** Splits a text at its web addresses. The pieces together are the unchanged text. */
export function piecesOf(text: string): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const found = trimmed(match[0]);
    const href = URL.parse(found)?.href;
    if (!href) continue;
    if (match.index > at) pieces.push({ text: text.slice(at, match.index) });
    pieces.push({ text: found, href });
    at = match.index + found.length;
  }
  if (at < text.length) pieces.push({ text: text.slice(at) });
  return pieces;
}

/** Removes trailing punctuation, and a closing bracket that was opened before the address. */
function trimmed(address: string): string {
  for (;;) {
    const shorter = address.replace(AFTER, "");
    const opened = shorter.split("(").length;
    const next = shorter.endsWith(")") && shorter.split(")").length > opened ? shorter.slice(0, -1) : shorter;
    if (next === address) return address;
    address = next;
  }
}

const ONLY_EMOJI = /^(?:\p{RGI_Emoji}\s?){1,3}$/v;

/** Whether a text is one to three emoji and nothing else. Such texts are shown large. */
export const isOnlyEmoji = (text: string): boolean => text.length <= 64 && ONLY_EMOJI.test(text);
