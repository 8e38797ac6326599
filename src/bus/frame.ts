import * as v from "valibot";
import { type News, NEWS } from "./news.ts";

/**
 * The version of what nodes write to each other. It rises with every change that nodes of the version before would
 * misread; those refuse it then, and find what happened in the database.
 */
export const BUS_VERSION = 2;

const HEADER = `parley-bus/${BUS_VERSION} `;
const ANY_HEADER = /^parley-bus\/(\d{1,9}) /;

/** What a node says: news, that it lives, or that it goes. */
export type Word = { readonly news: readonly News[] } | "alive" | "bye";

/** A frame as text: `parley-bus/<version> <node> <word>`. */
export const writeFrame = (node: string, word: Word): string =>
  `${HEADER}${node} ${typeof word === "string" ? word : JSON.stringify(word.news)}`;

export interface Refused {
  /** Its version is another, or it is nothing of ours. */
  readonly refused: "version" | "malformed";
  /** The version, where it is that. */
  readonly version?: number;
}

/**
 * Reads what came. Of frames of our own no more than the name is read: Redis sends a node what it published itself.
 */
export function readFrame(text: string): { from: string; word(): Word | Refused } | Refused {
  if (!text.startsWith(HEADER)) {
    const version = ANY_HEADER.exec(text)?.[1];
    return version === undefined
      ? { refused: "malformed" }
      : { refused: "version", version: Number(version) };
  }
  const end = text.indexOf(" ", HEADER.length);
  const from = end === -1 ? "" : text.slice(HEADER.length, end);
  if (!/^[\w-]{1,64}$/.test(from)) return { refused: "malformed" };
  return { from, word: () => wordOf(text.slice(end + 1)) };
}

function wordOf(text: string): Word | Refused {
  if (text === "alive" || text === "bye") return text;
  try {
    const parsed = v.safeParse(NEWS, JSON.parse(text), { abortEarly: true });
    if (parsed.success) return { news: parsed.output };
  } catch {
    // It is no JSON.
  }
  return { refused: "malformed" };
}
