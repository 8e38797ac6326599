import type { Message } from "../../message.ts";
import type { ServerFrame } from "../../protocol/frames.ts";

/** The wire protocols. Each has its own topic in a room, encoded once for all its subscribers. */
export type Format = "v1" | "plain";

/** How a wire protocol writes what is published to a room. */
export interface Encoder {
  readonly format: Format;
  topicOf(room: string): string;
  /**
   * Encodes a released range for live readers. `known` is the version released before: a message with a later id is new
   * to them.
   */
  live(room: string, states: readonly Message[], known: number): readonly string[];
  /** Encodes an event without a version; undefined if the protocol has none. */
  event(frame: ServerFrame): string | undefined;
}
