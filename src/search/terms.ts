import { type Token, tokensOf } from "./tokens.ts";

/** The most characters of a word in the index, in code points. Longer ones are found by their beginning. */
const WORD_MAX = 40;
const UNITS_MAX = 2 * WORD_MAX;

/** What the index knows a message by. `@` begins what is no text: no token contains it. */
export const LINK = "@link";
export const FILE = "@file";
export const senderTerm = (userId: number) => `@${userId}`;

const wordTerm = (word: string): string =>
  word.length <= WORD_MAX ? word : [...word.slice(0, UNITS_MAX)].slice(0, WORD_MAX).join("");

/**
 * The terms of a text: its words and emoji. Of characters of a script without spaces, each pair that stands together, and
 * the last one of a row by itself, so that every character begins a term.
 */
export const termsOf = (tokens: readonly Token[]): string[] =>
  tokens.map(({ text, kind }, at) => {
    if (kind === "word") return wordTerm(text);
    const next = tokens[at + 1];
    return next?.joined ? text + next.text : text;
  });

/** A term to look up; `prefix`: any term that begins like it. */
export interface Lookup {
  readonly term: string;
  readonly prefix: boolean;
}

/** The terms that a text has if it contains these tokens in a row. */
export function lookupsOf(tokens: readonly Token[]): Lookup[] {
  return tokens.flatMap(({ text, kind, joined }, at) => {
    if (kind === "word") return { term: wordTerm(text), prefix: false };
    const next = tokens[at + 1];
    if (next?.joined) return { term: text + next.text, prefix: false };
    // The end of a row is in the pair before it.
    return joined ? [] : { term: text, prefix: kind === "character" };
  });
}

/** What people see of files besides the content: names and alternative texts. `files` is the JSON of a message. */
export const textsOfFiles = (files: string): string[] =>
  (JSON.parse(files) as { name: string; alt?: string }[]).flatMap(({ name, alt }) =>
    alt ? [name, alt] : [name],
  );

const ADDRESS = /https?:\/\/\S|(?<![\w./@:-])www\.\S/i;
/** What every address contains: looked for first, because that is fast. */
const SIGN = /:\/\/|www\./i;

/** All terms of a message, each once. */
export function termsOfMessage({ senderId, content, files }: Written): string[] {
  const terms = new Set([senderTerm(senderId), ...termsOf(tokensOf(content))]);
  if (SIGN.test(content) && ADDRESS.test(content)) terms.add(LINK);
  if (files !== null) {
    terms.add(FILE);
    for (const text of textsOfFiles(files)) for (const term of termsOf(tokensOf(text))) terms.add(term);
  }
  return [...terms];
}

interface Written {
  readonly senderId: number;
  readonly content: string;
  /** JSON. */
  readonly files: string | null;
}
