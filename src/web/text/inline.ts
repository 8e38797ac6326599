import { type Address, addressesIn, type Target } from "./links.ts";

/** A piece of a paragraph. */
export type Inline = string | Code | Mark | Link;
interface Code {
  readonly kind: "code";
  readonly text: string;
}
interface Mark {
  readonly kind: "strong" | "em" | "del";
  readonly inside: readonly Inline[];
}
interface Link {
  readonly kind: "link";
  readonly href: string;
  /** Where it leads, if what is written could pass for another place. */
  readonly host?: string;
  readonly inside: readonly Inline[];
}

/** What is left of the markup that a message may have. More would slow a page down, and no honest message has as much. */
export interface Budget {
  links: number;
  marks: number;
}
export const fullBudget = (): Budget => ({ links: 50, marks: 300 });

const KINDS = { "*": ["em"], _: ["em"], "**": ["strong"], "***": ["em", "strong"], "~~": ["del"] } as const;
type Run = keyof typeof KINDS;
const isRun = (text: string): text is Run => Object.hasOwn(KINDS, text);
/** The runs that one can close. */
const CLOSES: Readonly<Record<Run, readonly Run[]>> = {
  "*": ["*", "***"],
  "**": ["**", "***"],
  "***": ["*", "**", "***"],
  _: ["_"],
  "~~": ["~~"],
};

const TOKEN = /\\?(?:\*+|_+|~+)|[\[\]]/g;
/** Punctuation and emoji, and scripts that have no spaces between words, or endings after names. */
const OUTSIDE =
  "[\\s\\p{P}\\p{So}\\p{scx=Han}\\p{scx=Hira}\\p{scx=Kana}\\p{sc=Hang}\\p{sc=Thai}\\p{sc=Laoo}\\p{sc=Khmr}\\p{sc=Mymr}]";
const [OUTSIDE_BEFORE, OUTSIDE_AFTER] = [new RegExp(`${OUTSIDE}$`, "u"), new RegExp(`^${OUTSIDE}`, "u")];

/** Whether a mark of emphasis may follow, or begin the text. */
function opensAt(text: string, from: number, to: number): boolean {
  const before = text.charAt(from - 1);
  return (
    /^(?:\.\.|[^\s.,;:\/)\]}])/.test(text.slice(to, to + 2)) &&
    (before < "\x80"
      ? " \n\t\r([{<\"'*_~|".includes(before)
      : OUTSIDE_BEFORE.test(text.slice(Math.max(0, from - 2), from)))
  );
}

/** Whether a mark of emphasis may precede, or end the text. */
function closesAt(text: string, from: number, to: number): boolean {
  const after = text.charAt(to);
  return (
    text.charAt(from - 1).trim() !== "" &&
    (after < "\x80"
      ? " \n\t\r)]}>\"'*_~|.,;:!?-".includes(after)
      : OUTSIDE_AFTER.test(text.slice(to, to + 2)))
  );
}

const WORD = /[\p{L}\p{N}\p{So}]/u;
/** A text that may be taken for an address. */
const LIKE_ADDRESS = /\S[.\/\\@:。．｡․‧·∕⁄]\S/u;

interface Opener {
  /** Its index in the output. */
  readonly at: number;
  /** Where it ends in the text. */
  readonly to: number;
  /** Preceded by a backslash. */
  readonly escaped: boolean;
}

interface Special {
  readonly from: number;
  readonly to: number;
  readonly code?: string;
  readonly address?: Address;
}

/**
 * Parses what is marked up within a paragraph. Takes linear time: of each kind of mark only the latest can be closed, and
 * whatever closes it also ends those after it.
 */
export function inlineOf(text: string, budget: Budget): Inline[] {
  const out: Inline[] = [];
  const open = new Map<Run, Opener>();
  let brackets: Opener[] = [];
  const specials = specialsOf(text, budget);
  let next = 0; // the next special
  let at = 0; // all before it is in the output
  let word = 0; // the end of the last piece with a word in it

  const write = (to: number) => {
    if (to <= at) return;
    const piece = text.slice(at, to);
    if (WORD.test(piece)) word = to;
    out.push(piece);
    at = to;
  };
  const forget = (from: number) => {
    for (const [run, opener] of open) if (opener.at >= from) open.delete(run);
    while ((brackets.at(-1)?.at ?? -1) >= from) brackets.pop();
  };
  const drawSpecial = ({ from, to, code, address }: Special) => {
    write(from);
    if (code !== undefined && budget.marks-- > 0) out.push({ kind: "code", text: code });
    else if (address?.target && budget.links-- > 0) {
      const { href, host } = address.target;
      out.push({ kind: "link", href, ...(address.disguised && { host }), inside: [text.slice(from, to)] });
    } else out.push(text.slice(from, to));
    at = word = to;
  };
  /** Closes what the run closes, and returns what is left of the run. */
  const close = (run: Run | "", escaped: boolean): Run | "" => {
    let [match, opener]: [Run | "", Opener | undefined] = ["", undefined];
    for (const other of run === "" ? [] : CLOSES[run]) {
      const found = open.get(other);
      if (found && found.at > (opener?.at ?? -1)) [match, opener] = [other, found];
    }
    if (run === "" || match === "" || !opener || (escaped && !opener.escaped)) return run;
    const inside = out.splice(opener.at + 1);
    forget(opener.at);
    const closed = match.length < run.length ? match : run;
    const rest = match.slice(closed.length);
    out[opener.at] = opener.escaped ? match : rest;
    if (opener.escaped || word <= opener.to || budget.marks-- <= 0) {
      out[opener.at] = opener.escaped ? match : (out[opener.at] as string) + closed;
      out.push(...inside, closed);
    } else {
      const wrap = (inner: readonly Inline[], kind: Mark["kind"]): Inline[] => [{ kind, inside: inner }];
      out.push(...KINDS[closed].reduce(wrap, joined(inside)));
      if (isRun(rest)) open.set(rest, opener);
    }
    return close(run.slice(closed.length) as Run | "", escaped);
  };
  const link = (from: number, { target, disguised = false }: Address, to: number) => {
    const bracket = brackets.at(-1) as Opener;
    const label = text.slice(bracket.to, from);
    write(from);
    const inside = withoutLinks(out.splice(bracket.at + 1));
    out.pop();
    forget(bracket.at);
    brackets = [];
    const { href, host } = target as Target;
    const shown = disguised || (LIKE_ADDRESS.test(label) && siteOf(label) !== host);
    out.push({ kind: "link", href, ...(shown && { host }), inside });
    at = word = to;
  };

  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    for (; (specials[next]?.from ?? Infinity) <= index; next++) drawSpecial(specials[next] as Special);
    if (index < at) continue;
    if (budget.marks <= 0) break;
    write(index);
    const to = index + token.length;
    if (token === "[") {
      if (text.charAt(index - 1) !== "\\") brackets.push({ at: out.length, to, escaped: false });
      write(to);
    } else if (token === "]") {
      const { from = -1, to: end = -1, address } = specials[next] ?? {};
      const isLink = from === to + 1 && text.charAt(to) === "(" && text.charAt(end) === ")";
      if (isLink && address?.target && word > (brackets.at(-1)?.to ?? Infinity) && budget.links-- > 0) {
        next++;
        link(index, address, end + 1);
      } else brackets.pop();
    } else {
      const escaped = token.startsWith("\\");
      const run = escaped ? token.slice(1) : token;
      if (!isRun(run)) continue;
      const rest = closesAt(text, index, to) ? close(run, escaped) : run;
      if (rest !== run) out.push(rest);
      else {
        if (opensAt(text, index, to)) open.set(run, { at: out.length, to, escaped });
        out.push(token);
      }
      at = to;
    }
  }
  for (; next < specials.length; next++) drawSpecial(specials[next] as Special);
  write(text.length);
  return joined(out);
}

/** Code, and addresses that are not in code. */
function specialsOf(text: string, { links }: Budget): Special[] {
  const found: Special[] = [];
  const addresses = links > 0 ? addressesIn(text, links) : [];
  let next = 0;
  const addUpTo = (end: number) => {
    for (; (addresses[next]?.from ?? Infinity) < end; next++) {
      const address = addresses[next] as Address;
      if (address.from >= (found.at(-1)?.to ?? 0))
        found.push({ from: address.from, to: address.to, address });
    }
  };
  for (const code of codesIn(text)) {
    addUpTo(code.from);
    found.push(code);
  }
  addUpTo(text.length);
  return found;
}

/** Code begins with some backticks and ends with as many. */
function codesIn(text: string): Special[] {
  const ticks = Array.from(text.matchAll(/`+/g), ({ 0: { length }, index }) => ({ index, length }));
  const seen = new Map<number, number>();
  const partners = ticks.map(() => -1);
  for (let i = ticks.length - 1; i >= 0; i--) {
    const { length } = ticks[i] as { length: number };
    partners[i] = seen.get(length) ?? -1;
    seen.set(length, i);
  }
  const found: Special[] = [];
  for (let i = 0; i < ticks.length; i++) {
    const [first, last] = [ticks[i], ticks[partners[i] as number]];
    if (!first || !last || text.charAt(first.index - 1) === "\\") continue;
    const inner = text.slice(first.index + first.length, last.index);
    const code = /^ (.*\S.*) $/s.exec(inner)?.[1] ?? inner;
    found.push({ from: first.index, to: last.index + last.length, code });
    i = partners[i] as number;
  }
  return found;
}

/** The host that a text claims to be. */
const siteOf = (label: string) =>
  label
    .replace(/^(?:https?:\/\/|mailto:)/i, "")
    .replace(/[\/?#].*$/s, "")
    .toLowerCase();

/** A link cannot contain others. */
const withoutLinks = (inside: readonly Inline[]): Inline[] =>
  joined(
    inside.flatMap((piece) => {
      if (typeof piece === "string" || piece.kind === "code") return [piece];
      const inner = withoutLinks(piece.inside);
      return piece.kind === "link" ? inner : [{ kind: piece.kind, inside: inner }];
    }),
  );

/** Joins texts that follow each other. */
export function joined(pieces: readonly Inline[]): Inline[] {
  const found: Inline[] = [];
  for (const piece of pieces) {
    const last = found.length - 1;
    if (piece === "") continue;
    if (typeof piece === "string" && typeof found[last] === "string") found[last] += piece;
    else found.push(piece);
  }
  return found;
}
