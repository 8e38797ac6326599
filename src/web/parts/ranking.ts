/** Longer names are cut, so that matching them stays cheap. */
const NAME_MAX = 200;
const GAP = /[\s._@-]+/;

/** Returns a name without case, accents and forms of width, so that "ana" finds "Ána". */
const fold = (text: string) =>
  text.slice(0, NAME_MAX).normalize("NFKD").replace(/\p{M}/gu, "").toLocaleLowerCase();

const wordsOf = (text: string) => fold(text).split(GAP).filter(Boolean);

/**
 * Returns how well what was typed fits a name; undefined if it does not fit. Smaller is better: the whole name, its beginning, words
 * that begin like the typed ones, the initials of its words, anything inside it.
 */
export function fit(typed: string, name: string): number | undefined {
  const asked = wordsOf(typed);
  const words = wordsOf(name);
  const [text, all] = [asked.join(" "), words.join(" ")];
  if (text === "") return typed.trim() === "" ? 0 : undefined;
  if (all === text) return 0;
  if (all.startsWith(text)) return 1;
  if (asked.every((part) => words.some((word) => word.startsWith(part)))) return 2;
  const initials = words.map(([first]) => first).join("");
  if (asked.length === 1 && initials.startsWith(text)) return 3;
  return all.includes(text) ? 4 : undefined;
}

/** Returns the items that fit, the best first. Items that fit equally well keep their order. */
export const ranked = <T>(typed: string, items: readonly T[], namesOf: (item: T) => readonly string[]): T[] =>
  items
    .map((item) => ({ item, rank: Math.min(...namesOf(item).map((name) => fit(typed, name) ?? Infinity)) }))
    .filter(({ rank }) => rank < Infinity)
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ item }) => item);
