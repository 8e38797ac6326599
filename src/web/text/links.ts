import { disguisedHost } from "./hosts.ts";

/** Where an address leads. */
export interface Target {
  readonly href: string;
  /** The host, or the address of e-mail, in a form that cannot pass for another one. */
  readonly host: string;
}

/** An address in a text. Without a target it stays text, but nothing in it is markup. */
export interface Address {
  readonly from: number;
  readonly to: number;
  readonly target?: Target;
  /** What is written could pass for another host. */
  readonly disguised?: boolean;
}

const START = /:\/\/|(?<![\w.\/@:-])www\.|@/gi;
const HTTP = /(?<![a-z\d+])https?$/i;
/**
 * What an address is made of: letters of any script, and ASCII, except quotation marks and what nobody types in an
 * address. Punctuation and symbols of other scripts end it, except dashes and middle dots, which titles contain.
 */
const BODY = /(?:[^\s\p{C}\p{P}\p{S}]|[!#-;=?@\[\]_~\{\}\p{Pd}·・\u{AD}\u{200C}\u{200D}])+/uy;
/** A host in ASCII and the word that follows it, in a script that has no spaces. */
const UNSPACED =
  /^(https?:\/\/(?:[a-z\d-]+\.)+[a-z]{2,}(?::\d+)?)[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{sc=Hang}\p{sc=Thai}\p{sc=Laoo}\p{sc=Khmr}\p{sc=Mymr}]/iu;
/** Punctuation that ends a sentence rather than an address, and marks of emphasis. */
const AFTER = /[.,;:!?'*_~([{·・\u{200C}\u{200D}]|(?!-)\p{Pd}/u;
const OPENING: Readonly<Record<string, string>> = { ")": "(", "]": "[", "}": "{" };
/** Browsers and servers accept about this much, in UTF-16 units. */
const ADDRESS_MAX = 2048;
/** Longer names do not exist in the DNS. Parsing takes quadratic time in the combining marks of a host. */
const HOST_MAX = 255;
const AUTHORITY = new RegExp(`^https?://([^/?#]{1,${HOST_MAX}})(?:[/?#]|$)`, "i");
const LOCAL = /[\w.%+-]/;
const LOCAL_MAX = 64;
const DOMAIN = /[\p{Script=Latin}\p{Mn}\d.-]+/uy;

/** Finds the first addresses in a text: of the web, with or without `http://`, and of e-mail. Takes linear time. */
export function addressesIn(text: string, most = Infinity): Address[] {
  const found: Address[] = [];
  let at = 0;
  let left = most;
  for (const { 0: sign, index } of text.matchAll(START)) {
    if (index < at) continue;
    const address = sign === "@" ? emailAt(text, index, at) : webAt(text, index, at, sign !== "://");
    if (!address) continue;
    found.push(address);
    at = address.to;
    if (address.target && --left <= 0) break;
  }
  return found;
}

function webAt(text: string, index: number, min: number, bare: boolean): Address {
  const before = bare ? "" : (HTTP.exec(text.slice(Math.max(min, index - 6), index))?.[0] ?? "");
  const from = index - before.length;
  BODY.lastIndex = index;
  const end = BODY.test(text) ? BODY.lastIndex : index + 1;
  const opaque = { from, to: end };
  if (!bare && before === "") return opaque;
  const written = trimmed(text.slice(from, end), text.charAt(from - 1) === "'");
  const address = bare ? `https://${written}` : written;
  const cut = UNSPACED.exec(address)?.[1] ?? address;
  const link = linkOf(cut);
  if (!link || (bare && !/^www\.[^.]+\.[^.]/i.test(written))) return opaque;
  return { from, to: from + written.length - address.length + cut.length, ...link };
}

function linkOf(address: string): Pick<Address, "target" | "disguised"> | undefined {
  const authority = address.length <= ADDRESS_MAX ? AUTHORITY.exec(address)?.[1] : undefined;
  // What precedes an @ is a user, who can be made to look like a host: https://bank.example@evil.example/.
  const url = authority && !authority.includes("@") ? URL.parse(address) : null;
  if (!url) return undefined;
  const written = authority?.replace(/:\d*$/, "").toLowerCase() ?? "";
  const host = disguisedHost(written, url.hostname);
  return { target: { href: url.href, host: host ?? written }, disguised: host !== undefined };
}

function emailAt(text: string, at: number, min: number): Address | undefined {
  let from = at;
  while (from > min && LOCAL.test(text.charAt(from - 1))) from--;
  while (/[.%+-]/.test(text.charAt(from))) from++;
  if (from >= at || at - from > LOCAL_MAX || /\.\.|\.$/.test(text.slice(from, at))) return undefined;
  const scheme = /mailto:$/i.exec(text.slice(Math.max(min, from - 7), from))?.[0].length ?? 0;
  if (/[\/@\p{sc=Latin}]/u.test(text.charAt(from - scheme - 1))) return undefined;
  DOMAIN.lastIndex = at + 1;
  const domain = DOMAIN.exec(text)?.[0].replace(/[.-]+$/, "") ?? "";
  const to = at + 1 + domain.length;
  if (domain.length > HOST_MAX || !/^(?!.*(?:\.\.|\.-|-\.))[^.-].*\.[^\d.-]{2,}$/u.test(domain))
    return undefined;
  // git@github.com:someone/project is not an address of e-mail.
  if (/^(?:@|:[^\s])/.test(text.slice(to, to + 2))) return undefined;
  const url = URL.parse(`http://${domain}`);
  if (!url) return undefined;
  const host = disguisedHost(domain, url.hostname);
  const email = text.slice(from, at + 1) + (host ?? domain);
  const target = { href: `mailto:${email}`, host: email };
  return { from: from - scheme, to, target, disguised: host !== undefined };
}

/** Returns an address without the bracket that closes another one before it, and without punctuation at its end. */
function trimmed(address: string, quoted: boolean): string {
  const open: Record<string, number> = {};
  let end = 0;
  for (; end < address.length; end++) {
    const letter = address.charAt(end);
    const opening = OPENING[letter];
    if (quoted && letter === "'") break;
    if (opening === undefined) open[letter] = (open[letter] ?? 0) + 1;
    else if ((open[opening] ?? 0) === 0) break;
    else open[opening] = (open[opening] ?? 0) - 1;
  }
  while (AFTER.test(address.charAt(end - 1))) end--;
  return address.slice(0, end);
}
