import * as v from "valibot";
import { type News, NEWS } from "./news.ts";

/**
 * Version of the frame format. Increment it with every change that older nodes would misread. They then
 * reject the frames and find the changes in the database.
 */
export const BUS_VERSION = 3;

const HEADER = `parley-bus/${BUS_VERSION} `;
const ANY_HEADER = /^parley-bus\/(\d{1,9}) /;

/** The content of a frame: news, a heartbeat or a goodbye. */
export type Word = { readonly news: readonly News[] } | "alive" | "bye";

/** Returns a frame as text: `parley-bus/<version> <node> <word>`. */
export const writeFrame = (node: string, word: Word): string =>
  `${HEADER}${node} ${typeof word === "string" ? word : JSON.stringify(word.news)}`;

export interface Refused {
  /** `version`: a frame of another version. `malformed`: not a frame of ours. */
  readonly refused: "version" | "malformed";
  /** The frame's version, if `refused` is `version`. */
  readonly version?: number;
}

/** The longest frame, in characters. A node sends none that is longer. */
export const FRAME_MAX = 16 * 1024 * 1024;

/** Parses a frame's header. `word` parses the rest, which a node does not need of its own echoed frames. */
export function readFrame(text: string): { from: string; word(): Word | Refused } | Refused {
  if (text.length > FRAME_MAX) return { refused: "malformed" };
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
    // Not JSON.
  }
  return { refused: "malformed" };
}
