/**
 * A word, an emoji, or one character of a script that is written without spaces. Folded: no differences of case, width or
 * diacritics.
 */
export interface Token {
  readonly text: string;
  readonly kind: "word" | "character" | "emoji";
  /** A character that directly follows another one. */
  readonly joined: boolean;
  /** Where it is in the text, in UTF-16 code units. `end` is after its last one. */
  readonly start: number;
  readonly end: number;
}

/**
 * What is folded together: the jamo of a syllable; or a character with the marks on it, at most 16, because normalising
 * takes quadratic time in them.
 */
const PIECE =
  /[\u1100-\u115f\ua960-\ua97c][\u1160-\u11a7\ud7b0-\ud7c6]+[\u11a8-\u11ff\ud7cb-\ud7fb]*|\P{M}[\p{M}\uff9e\uff9f]{0,16}|\p{M}{1,16}/gu;
/** Marks that belong to no script, and those that Arabic and Hebrew can do without. The two of Kana stay. */
const MARKS =
  /(?![\u3099\u309a])[\p{Script=Inherited}\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed]/gu;
const UNFOLDED = /[ςıøłđðþæœ]/g;
/** What Unicode neither decomposes nor folds. */
const FOLDED: Readonly<Record<string, string>> = {
  ς: "σ",
  ı: "i",
  ø: "o",
  ł: "l",
  đ: "d",
  ð: "d",
  þ: "th",
  æ: "ae",
  œ: "oe",
};

/** Through upper case, because only that makes ß two letters. */
const fold = (piece: string): string =>
  piece
    .normalize("NFKD")
    .replace(MARKS, "")
    .toUpperCase()
    .toLowerCase()
    .replace(UNFOLDED, (letter) => FOLDED[letter] as string)
    .normalize("NFC");

const LETTER = /[\p{L}\p{N}\p{M}]/u;
const UNSPACED =
  /[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{scx=Bopo}\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}]/u;
const EMOJI = /[\p{Extended_Pictographic}\p{Regional_Indicator}]/u;
/** Nothing to see. A zero-width space is no such thing: it separates words. */
const IGNORED = /^(?!\u200b)\p{Default_Ignorable_Code_Point}*$/u;
/** No character before this one is of a script without spaces. */
const UNSPACED_FROM = 0x0e00;
const ASCII = /^[\0-\x7f]*$/;
const ASCII_WORD = /[A-Za-z0-9]+/g;

/** Letters of a word, or another folded character; undefined: it is part of no token. */
interface Part {
  readonly text: string;
  readonly kind: Token["kind"] | undefined;
}

/** What pieces are made of. Texts repeat a few of them, and folding takes longer than all of the rest. */
const known = new Map<string, readonly Part[]>();
const KNOWN_MAX = 4_096;

function partsOf(piece: string): readonly Part[] {
  const before = known.get(piece);
  if (before) return before;
  const parts: Part[] = [];
  for (const text of IGNORED.test(piece) ? "" : fold(piece)) {
    const kind = kindOf(text);
    const last = parts.at(-1);
    if (kind === "word" && last?.kind === "word") parts[parts.length - 1] = { text: last.text + text, kind };
    else parts.push({ text, kind });
  }
  if (known.size >= KNOWN_MAX) known.clear();
  known.set(piece, parts);
  return parts;
}

function kindOf(character: string): Part["kind"] {
  if (LETTER.test(character))
    return (character.codePointAt(0) ?? 0) >= UNSPACED_FROM && UNSPACED.test(character)
      ? "character"
      : "word";
  return EMOJI.test(character) ? "emoji" : undefined;
}

/** How many letters of a word are kept. Some characters become eighteen, but no query has a word as long as this. */
const FOLDED_MAX = 8_192;

/** Splits a text into tokens. Takes time in proportion to its length, whatever it contains. */
export function tokensOf(text: string): Token[] {
  if (ASCII.test(text)) return asciiTokens(text);
  const tokens: Token[] = [];
  let word = "";
  let from = 0;
  let to = 0;
  let follows = false;
  const endWord = () => {
    if (word !== "") tokens.push({ text: word, kind: "word", joined: false, start: from, end: to });
    word = "";
  };
  for (const { 0: piece, index: start } of text.matchAll(PIECE)) {
    const end = start + piece.length;
    for (const { text: part, kind } of partsOf(piece)) {
      if (kind === "word") {
        if (word === "") from = start;
        if (word.length < FOLDED_MAX) word += part;
        to = end;
      } else {
        endWord();
        const joined = kind === "character" && follows;
        if (kind !== undefined) tokens.push({ text: part, kind, joined, start, end });
      }
      follows = kind === "character";
    }
  }
  endWord();
  return tokens;
}

const asciiTokens = (text: string): Token[] =>
  Array.from(text.matchAll(ASCII_WORD), ({ 0: word, index: start }) => ({
    text: word.toLowerCase(),
    kind: "word",
    joined: false,
    start,
    end: start + word.length,
  }));
