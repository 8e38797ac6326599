import type { Message } from "../../message.ts";
import type { ServerFrame } from "../../protocol/frames.ts";

/** The wire protocols. Each has its own topic in a room, encoded once for all its subscribers. */
export type Format = "v1" | "plain";

/** One frame of a released range. */
export interface LiveFrame {
  readonly text: string;
  /** The message that it is about. */
  readonly id: number;
  readonly version: number;
}

/** How a wire protocol writes what is published to a room. */
export interface Encoder {
  readonly format: Format;
  /**
   * Encodes a released range for live readers. `known` is the version released before: a message with a later id is new
   * to them.
   */
  live(room: string, states: readonly Message[], known: number): readonly LiveFrame[];
  /** Encodes an event without a version; undefined if the protocol has none. */
  event(frame: ServerFrame): string | undefined;
}
