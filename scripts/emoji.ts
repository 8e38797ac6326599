/**
 * Writes src/web/emoji/emoji.txt, the names of all emoji, from the package emojibase-data (MIT; its names are those of the
 * Unicode CLDR). The package is large and changes once a year, so it is not a dependency:
 *
 *     (cd /tmp && bun add emojibase-data@17.0.0) && bun scripts/emoji.ts /tmp/node_modules/emojibase-data
 *
 * Each line has an emoji and its name, then its shortcodes after a slash, if they do not follow from the name. The emoji is a sequence,
 * or a number in base 36: how far its code point is after the one before, and 1 if there is none. What can be derived is left out:
 * skin tones, men and women of neutral people, families, flags of regions, and keycaps (`src/web/emoji/names.ts`).
 */
import { join } from "node:path";

interface Entry {
  readonly emoji: string;
  readonly hexcode: string;
  readonly label: string;
  readonly group?: number;
  readonly order?: number;
}

const folder = process.argv[2];
if (!folder) throw new Error("Say where emojibase-data is: bun scripts/emoji.ts <folder>");
const read = async (path: string) => JSON.parse(await Bun.file(join(folder, path)).text()) as unknown;
const entries = (await read("en/data.json")) as readonly Entry[];
const shortcodes = (await read("en/shortcodes/github.json")) as Record<string, string | string[]>;

/** Groups of the source, in the order of the picker. The third has only parts of emoji. */
const GROUPS = [0, 1, 3, 4, 5, 6, 7, 8, 9];
/** Shortcodes that nobody types, or that repeat a name in other words. */
const DULL =
  /^(?:clock|u\d|.*_with_|.*_on_ground$|heavy_|ideograph|large_|small_|negative_|.*probing|.*(?:mandarin|hocho|sa|koko)|european_castle|couplekiss_|two_|put_|do_not|non-|keycap|capital|eight_|business|twisted|information|mountain_|triangular|japanese|bouncing|raised_hand|juggling|kneeling|standing)/;
const DERIVED = [
  /\u200d[\u2640\u2642]/u, // men and women
  /^[👨👩]\u200d(?![❤🤝])/u, // men and women with a profession, and families
  /^[\u{1f1e6}-\u{1f1ff}]/u, // regions
  /\u20e3$/u, // keycaps
];

const pointsOf = (emoji: string) =>
  Array.from(emoji.replaceAll("\ufe0f", ""), (letter) => letter.codePointAt(0) as number);

const codeOf = (name: string) =>
  name
    .normalize("NFD")
    .replace(/[^\p{L}\p{N}]+/gu, "_")
    .replace(/^_|_$|\p{M}/gu, "")
    .toLowerCase();

const names = new Set(entries.map(({ label }) => codeOf(label)));

function aliasesOf({ hexcode, label }: Entry): string[] {
  const own = codeOf(label);
  return [shortcodes[hexcode] ?? []]
    .flat()
    .filter(
      (code) => !DULL.test(code) && code !== own && (code !== own.replace(/_face$/, "") || names.has(code)),
    );
}

const lines = GROUPS.flatMap((group) => {
  let last = 0;
  const inGroup = entries
    .filter((entry) => entry.group === group && !DERIVED.some((pattern) => pattern.test(entry.emoji)))
    .map((entry) => ({ ...entry, points: pointsOf(entry.emoji) }))
    // Neighbours have small differences, so the file compresses well.
    .toSorted((one, other) => compare(one.points, other.points));
  // Begin with the emoji that is first in the Unicode CLDR, rather than with the oldest one.
  const first = inGroup.reduce((best, entry) => ((entry.order ?? 0) < (best.order ?? 0) ? entry : best));
  const at = inGroup.indexOf(first);
  return [
    ...[...inGroup.slice(at), ...inGroup.slice(0, at)].map((entry) => {
      const [first = 0, second] = entry.points;
      let written = second === undefined ? (first - last).toString(36).toUpperCase() : entry.emoji;
      if (second === undefined) last = first;
      if (written === "1") written = "";
      const name = entry.label.toLowerCase().replaceAll("’", "'");
      const space = /^\d/.test(name) ? " " : "";
      return [written + space + name, ...aliasesOf(entry)].join("/");
    }),
    "",
  ];
});
await Bun.write(join(import.meta.dir, "../src/web/emoji/emoji.txt"), lines.join("\n"));

function compare(one: readonly number[], other: readonly number[]): number {
  const at = one.findIndex((point, index) => point !== other[index]);
  return at === -1 ? one.length - other.length : (one[at] ?? 0) - (other[at] ?? 0);
}
