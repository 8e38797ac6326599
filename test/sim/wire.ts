import * as v from "valibot";
import {
  PLAIN_FRAMES,
  SERVER_FRAMES,
  type ServerFrame,
  type ServerFrameType,
} from "../../src/protocol/frames.ts";

export type PlainFrame = v.InferOutput<(typeof PLAIN_FRAMES)["message" | "error"]>;

/** A frame that a server sent. It is parsed once, however many sockets get it. */
export interface Wire {
  readonly text: string;
  readonly bytes: number;
  readonly v1: ServerFrame;
  readonly plain: PlainFrame;
}

/** `strict`: frames are checked against their schemas. */
export function createWire(text: string, strict: boolean): Wire {
  let v1: ServerFrame | undefined;
  let plain: PlainFrame | undefined;
  return {
    text,
    bytes: Buffer.byteLength(text),
    get v1() {
      v1 ??= JSON.parse(text) as ServerFrame;
      if (strict) v.parse(SERVER_FRAMES[v1.type as ServerFrameType], v1);
      return v1;
    },
    get plain() {
      plain ??= JSON.parse(text) as PlainFrame;
      if (strict) v.parse("error" in plain ? PLAIN_FRAMES.error : PLAIN_FRAMES.message, plain);
      return plain;
    },
  };
}

/** A frame as a trace shows it: short, and without values that the server generates. */
export const summary = (text: string) =>
  text
    .replace(/"clientId":"[^"]*",?/g, "")
    .replace(/"timestamp":"[^"]*",?/g, "")
    .replace(/\u5b57+/g, "…");
