import { timingSafeEqual } from "node:crypto";
import * as v from "valibot";
import { type News, NEWS } from "./news.ts";

/**
 * Version of the frame format. Increment it with every change that older nodes would misread. They then
 * reject the frames and find the changes in the database.
 */
export const BUS_VERSION = 7;

const HEADER = `parley-bus/${BUS_VERSION} `;
const ANY_HEADER = /^parley-bus\/(\d{1,9}) /;
/** The longest frame, in characters. A node sends none that is longer. */
export const FRAME_MAX = 16 * 1024 * 1024;
/** The length of a frame's MAC: the first 16 bytes of an HMAC-SHA-256, in base64url without padding. */
const MAC_LENGTH = 22;
/** Where the name of the node begins, and with it what the MAC covers. */
export const NODE_AT = HEADER.length + MAC_LENGTH + 1;
const ORIGIN = /^([\w-]{1,64}) (\d{1,16}) /;

/** The content of a frame: news, a heartbeat or a goodbye. */
export type Word = { readonly news: readonly News[] } | "alive" | "bye";

/** Why a frame was refused. */
export type Reason = "version" | "malformed" | "forged" | "repeated" | "late";

export interface Refused {
  /**
   * `version`: a frame of another version. `malformed`: not a frame of ours. `forged`: its MAC does not fit. `repeated`:
   * not newer than the last frame of its node. `late`: its time is far from ours.
   */
  readonly refused: Reason;
  /** The frame's version, if `refused` is `version`. */
  readonly version?: number;
}

/** A frame that one of our nodes wrote. */
export interface Frame {
  readonly from: string;
  /** Rises with each frame of a node: see {@link createStamps}. */
  readonly stamp: number;
  /** Parses the rest. */
  word(): Word | Refused;
}

/** Reads and writes frames. */
export interface Frames {
  /** Returns a frame as text: `parley-bus/<version> <MAC> <node> <stamp> <word>`. */
  write(channel: string, node: string, stamp: number, word: Word): string;
  /** Reads a frame from a channel. Nothing of it is parsed before its MAC was verified. */
  read(channel: string, text: string): Frame | Refused;
}

/**
 * `key`: the secret that this installation's nodes share. The MAC covers the channel too, so that a frame cannot be moved
 * to another room.
 */
export function createFrames(key: string): Frames {
  const macOf = (channel: string, signed: string): string =>
    new Bun.CryptoHasher("sha256", key)
      .update(`${channel}\0${signed}`)
      .digest("base64url")
      .slice(0, MAC_LENGTH);

  return {
    write(channel, node, stamp, word) {
      const signed = `${node} ${stamp} ${typeof word === "string" ? word : JSON.stringify(word.news)}`;
      return `${HEADER}${macOf(channel, signed)} ${signed}`;
    },
    read(channel, text) {
      if (text.length > FRAME_MAX) return MALFORMED;
      if (!text.startsWith(HEADER)) return foreign(text);
      const signed = text.slice(NODE_AT);
      if (!isSame(text.slice(HEADER.length, NODE_AT - 1), macOf(channel, signed))) return FORGED;
      const [origin, from = "", stamp] = ORIGIN.exec(signed) ?? [];
      if (origin === undefined) return MALFORMED;
      return { from, stamp: Number(stamp), word: () => wordOf(signed.slice(origin.length)) };
    },
  };
}

const MALFORMED: Refused = { refused: "malformed" };
const FORGED: Refused = { refused: "forged" };

function foreign(text: string): Refused {
  const version = ANY_HEADER.exec(text)?.[1];
  return version === undefined ? MALFORMED : { refused: "version", version: Number(version) };
}

function isSame(given: string, right: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(right)];
  return one.length === other.length && timingSafeEqual(one, other);
}

function wordOf(text: string): Word | Refused {
  if (text === "alive" || text === "bye") return text;
  try {
    const parsed = v.safeParse(NEWS, JSON.parse(text), { abortEarly: true });
    if (parsed.success) return { news: parsed.output };
  } catch {
    // Not JSON.
  }
  return MALFORMED;
}
