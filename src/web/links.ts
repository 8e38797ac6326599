/** A piece of a text: plain, or a link if it has an `href`. */
export interface Piece {
  readonly text: string;
  readonly href?: string;
  /** The host to which the link leads, if it is not written like this: letters of other scripts can look like Latin ones. */
  readonly host?: string;
}

const ADDRESS = /\bhttps?:\/\/[^\s<>"'`\u{200b}-\u{200f}\u{202a}-\u{202e}\u{2066}-\u{2069}]+/giu;
/** Punctuation that ends a sentence rather than an address. */
const AFTER = ".,;:!?…»”’]}*_~";
/** Browsers and servers accept about this much, in UTF-16 units. */
const ADDRESS_MAX = 2048;
/** More would slow a page down, and no honest message has as many. */
const LINKS_MAX = 50;
/** Longer names do not exist in the DNS. Parsing takes quadratic time in the combining marks of a host. */
const HOST_MAX = 255;
const AUTHORITY = new RegExp(`^https?://([^/?#\\\\]{1,${HOST_MAX}})(?:[/?#\\\\]|$)`, "i");

/** Splits a text at its web addresses. The pieces together are the unchanged text. Takes linear time. */
export function piecesOf(text: string): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  let links = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const found = trimmed(match[0]);
    const link = linkOf(found);
    if (!link) continue;
    if (links++ === LINKS_MAX) break;
    if (match.index > at) pieces.push({ text: text.slice(at, match.index) });
    pieces.push({ text: found, ...link });
    at = match.index + found.length;
  }
  if (at < text.length) pieces.push({ text: text.slice(at) });
  return pieces;
}

function linkOf(address: string): Omit<Piece, "text"> | undefined {
  const authority = address.length <= ADDRESS_MAX ? AUTHORITY.exec(address)?.[1] : undefined;
  // What precedes an @ is a user, who can be made to look like a host: https://bank.example@evil.example/.
  const url = authority && !authority.includes("@") ? URL.parse(address) : null;
  if (!url) return undefined;
  return { href: url.href, ...(url.host !== authority?.toLowerCase() && { host: url.host }) };
}

/** Removes trailing punctuation, and closing brackets that were opened before the address. */
function trimmed(address: string): string {
  let unopened = 0;
  for (const letter of address) unopened += letter === ")" ? 1 : letter === "(" ? -1 : 0;
  let end = address.length;
  for (; end > 0; end--) {
    const last = address.charAt(end - 1);
    if (last === ")" && unopened > 0) unopened--;
    else if (!AFTER.includes(last)) break;
  }
  return address.slice(0, end);
}

const ONLY_EMOJI = /^(?:\p{RGI_Emoji}\s?){1,3}$/v;

/** Whether a text is one to three emoji and nothing else. Such texts are shown large. */
export const isOnlyEmoji = (text: string): boolean => text.length <= 64 && ONLY_EMOJI.test(text);
