import source from "./emoji.txt" with { type: "text" };

/** An emoji, in its fully qualified spelling. */
export interface Emoji {
  readonly emoji: string;
  readonly name: string;
  /** What is typed between colons, the shortest first. */
  readonly codes: readonly string[];
}

/** No search is longer, in UTF-16 units. */
const LONGEST = 64;
const RGI = /^\p{RGI_Emoji}$/v;
const VARIANT = "\u{fe0f}";
const JOINER = "\u{200d}";
/** Pairs of which each person can have a tone of their own, as sequences of two people. */
const PAIRS: Readonly<Record<string, string>> = {
  "🤝": "🫱‍🫲",
  "👭": "👩‍🤝‍👩",
  "👫": "👩‍🤝‍👨",
  "👬": "👨‍🤝‍👨",
  "💏": "🧑‍❤️‍💋‍🧑",
  "💑": "🧑‍❤️‍🧑",
  "👯": "🧑‍🐰‍🧑",
  "👯‍♂️": "👨‍🐰‍👨",
  "👯‍♀️": "👩‍🐰‍👩",
  "🤼": "🧑‍🫯‍🧑",
  "🤼‍♂️": "👨‍🫯‍👨",
  "🤼‍♀️": "👩‍🫯‍👩",
};
/** No tone, and the five tones from light to dark. */
export const TONES = ["", "🏻", "🏼", "🏽", "🏾", "🏿"] as const;

/** Returns the spelling of an emoji that is recommended, or undefined if this browser does not know the emoji. */
function known(emoji: string): string | undefined {
  return [emoji, emoji + VARIANT].find((each) => RGI.test(each));
}

const codeOf = (name: string) =>
  name
    .normalize("NFD")
    .replace(/[^\p{L}\p{N}]+/gu, "_")
    .replace(/^_|_$|\p{M}/gu, "")
    .toLowerCase();

function entry(emoji: string, name: string, codes: readonly string[] = []): Emoji[] {
  const spelled = known(emoji);
  const code = codeOf(name);
  const all = new Set([...codes, code.replace(/_face$/, ""), code]);
  return spelled === undefined ? [] : [{ emoji: spelled, name, codes: [...all] }];
}

/** Returns a person, and the man and the woman of it, if there are such emoji. */
function people(emoji: string, name: string, codes: readonly string[]): Emoji[] {
  const [first = "", ...rest] = Array.from(emoji);
  const variants = (person: string, sign: string, one: string, many: string) => {
    const joined = first + (rest[0] === VARIANT ? VARIANT : "");
    const sequence =
      first === "🧑"
        ? person + rest.join("")
        : `${joined}${JOINER}${sign}${VARIANT}${emoji.slice(joined.length)}`;
    const named = /^(?:people|person|merperson)/.test(name)
      ? name.replace(/people|person/, (word) => (word === "people" ? many : one))
      : `${one} ${name}`;
    return sequence === person ? [] : entry(sequence, named === "merwoman" ? "mermaid" : named);
  };
  return [
    ...entry(emoji, name, codes),
    ...variants("👨", "♂", "man", "men"),
    ...variants("👩", "♀", "woman", "women"),
  ];
}

function families(): Emoji[] {
  const adults = ["👨 man", "👩 woman", "👨 man👩 woman", "👨 man👨 man", "👩 woman👩 woman"];
  const children = ["👦 boy", "👧 girl", "👧 girl👦 boy", "👦 boy👦 boy", "👧 girl👧 girl"];
  return adults.flatMap((parents) =>
    children.flatMap((young) => {
      const members = Array.from(`${parents}${young}`.matchAll(/(\P{ASCII}) ([a-z]+)/gu));
      const names = members.map(([, , name]) => name).join(", ");
      return entry(members.map(([, emoji]) => emoji).join(JOINER), `family: ${names}`);
    }),
  );
}

/** The flags of all regions that have one, by the names that the browser has for them. */
function regions(): Emoji[] {
  const names = new Intl.DisplayNames("en", { type: "region" });
  const letters = Array.from({ length: 26 }, (_, index) => index);
  return letters.flatMap((first) =>
    letters.flatMap((second) => {
      const [a, b] = [first, second].map((letter) => String.fromCodePoint(0x1f1e6 + letter));
      const code = String.fromCharCode(65 + first, 65 + second);
      const flag = `${a}${b}`;
      return RGI.test(flag)
        ? entry(flag, `flag: ${names.of(code) ?? code}`, [`flag_${code.toLowerCase()}`])
        : [];
    }),
  );
}

const keycaps = () =>
  Array.from("0123456789#*").flatMap((key) =>
    entry(`${key}${VARIANT}\u{20e3}`, `keycap: ${key}`, [`keycap_${key}`]),
  );

/** All emoji, in nine groups. */
export const GROUPS: readonly (readonly Emoji[])[] = source
  .trimEnd()
  .split("\n\n")
  .map((lines, group) => {
    let point = 0;
    const listed = lines.split("\n").flatMap((line) => {
      const [, sequence = "", step, text = ""] = /^(?:([^\x00-\x7f]+)|(-?[\dA-Z]+)?) ?(.+)$/.exec(line) ?? [];
      if (!sequence) point += parseInt(step ?? "1", 36);
      const [name = "", ...codes] = text.split("/");
      const emoji = sequence || String.fromCodePoint(point);
      return group === 1 ? people(known(emoji) ?? emoji, name, codes) : entry(emoji, name, codes);
    });
    const derived = group === 1 ? families() : group === 7 ? keycaps() : group === 8 ? regions() : [];
    return [...listed, ...derived];
  });
const ALL = GROUPS.flat();
const BY_CODE = new Map<string, Emoji>();
// A name without its last word gives way to the names of others: a monkey is not a monkey face.
for (const isShort of [false, true])
  for (const each of ALL)
    for (const code of each.codes)
      if (isShort === (codeOf(each.name) === `${code}_face`) && !BY_CODE.has(code)) BY_CODE.set(code, each);
const BY_EMOJI = new Map(ALL.map((each) => [each.emoji, each]));

/** Returns an emoji in any skin tones, with its name. */
export function named(emoji: string): Emoji | undefined {
  const plain = emoji.replace(/\p{Emoji_Modifier}/gu, "");
  const pair = Object.entries(PAIRS).find(([, sequence]) => sequence === plain)?.[0];
  const found = BY_EMOJI.get(known(pair ?? plain) ?? plain);
  return found && { ...found, emoji };
}

/** Returns the emoji with a shortcode, such as `tada`. */
export const withCode = (code: string): Emoji | undefined => BY_CODE.get(code.toLowerCase());

/** Returns an emoji in skin tones, which are numbers from 0 (none) to 5. The second one is that of the other person in a pair. */
export function toned(emoji: string, tone: number, second = tone): string {
  if (tone === 0) return emoji;
  const pair = second !== tone ? (PAIRS[emoji] ?? emoji) : emoji;
  let count = 0;
  const written = pair.replace(
    /(?!🤝\u200d)(\p{Emoji_Modifier_Base})\u{fe0f}?/gu,
    (_, person: string) => person + TONES[count++ % 2 ? second : tone],
  );
  return RGI.test(written) ? written : emoji;
}

const wordsOf = (text: string): string[] =>
  text
    .toLowerCase()
    .split(/[^\p{L}\p{N}+-]+|_/u)
    .filter(Boolean);
/** For each emoji, the words by which it is found, each after a space. */
const HAYSTACKS = ALL.map(({ codes }) => ` ${codes.flatMap(wordsOf).join(" ")}`);

/** Returns the emoji of which a shortcode or the name has words that begin with those of a text, the best first. */
export function find(text: string, most: number): Emoji[] {
  const words = wordsOf(text.slice(0, LONGEST));
  const whole = words.join("_");
  /** The length of the shortest shortcode that begins with the text, or more. */
  const rankOf = ({ codes }: Emoji) =>
    Math.min(...codes.map((code) => (code.startsWith(whole) ? code.length : 100 + code.length)));
  return ALL.filter((_, at) => words.length > 0 && words.every((word) => HAYSTACKS[at]?.includes(` ${word}`)))
    .map((each) => ({ each, rank: rankOf(each) }))
    .toSorted((one, other) => one.rank - other.rank)
    .slice(0, most)
    .map(({ each }) => each);
}
