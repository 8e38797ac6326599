import type { CloseReason } from "../../protocol/codes.ts";
import type { Refusal } from "../../errors.ts";
import type { Message } from "../../message.ts";
import type { Named } from "../../person.ts";
import type { Encoder } from "../delivery/encoder.ts";
import type { Pass } from "../pass.ts";
import type { Reading } from "../ports.ts";
import type { ThreadSeat } from "../threadports.ts";
import type { SharedPage } from "../room/pages.ts";
import type { Timeline } from "../room/timeline.ts";
import type { Peer } from "./peer.ts";

/**
 * A wire protocol. `codecs/v1.ts` and `codecs/plain.ts` implement it, and nothing else knows which one a socket speaks: a
 * new protocol is a new codec.
 */
export interface Codec extends Encoder {
  /** Whether `joined` can tell a reader that it was not resumed. If not, everything is replayed, however much it is. */
  readonly canRestart: boolean;
  /** Whether {@link missed} reads messages by id, in states that may be later than what was released. */
  readonly byId: boolean;
  /** Reads the next page that a reader at `position` is missing. */
  missed(timeline: Timeline, position: number): Promise<SharedPage>;
  /**
   * Encodes a message of a page for a reader that began to miss changes at `since`. Readers of a page share its frames.
   * Returns undefined if the reader does not need the message, or gets it live because it is beyond `released`.
   */
  replay(page: SharedPage, message: Message, reader: Standpoint): string | undefined;
  /** Starts the protocol on a new socket. */
  start(peer: Peer): Protocol;
}

export interface Standpoint {
  readonly room: string;
  readonly since: number;
  readonly released: number;
}

/** The protocol of one socket: reads its frames, and tells it what happens besides messages. */
export interface Protocol {
  greet(): void;
  receive(frame: string | Uint8Array): void;
  /** The first frame of a room. `resumed` false: the reader has nothing, and is live from the timeline's version. */
  joined(timeline: Timeline, pass: Pass, resumed: boolean, surroundings?: Surroundings): void;
  /** The room of the socket's URL could not be joined. */
  refused(refusal: Refusal): void;
  /** The subscription left the live topic at `version`. */
  lagging(room: string, version: number): void;
  /** The subscription has everything up to `version` and is live. */
  synced(room: string, version: number): void;
  /** A notice for a reader who is not live and leaves the room because of it. */
  notice(room: string, message: Message): void;
  /** Who is in the room. `people` are all of them, if there are few. */
  presence(room: string, online: number, people: readonly Named[]): void;
  /** The person's read mark moved on another socket. */
  marked(room: string, id: number, back: boolean): void;
  /** What the person keeps about a thread has changed on another socket. */
  followed(room: string, root: number, seat: ThreadSeat): void;
  /** A room that the socket watches has a new message. `mentions`: unread ones that mention the person, if a new one does. */
  active(room: string, id: number, mentions?: number): void;
  /** The person's list of rooms has changed. */
  listed(room: string, change: ListChange): void;
  /** The socket left the room, but not at its client's request. */
  left(room: string, reason: CloseReason): void;
  /** The token expires soon. */
  expiring(at: number): void;
  /** The socket is about to be closed by a node that goes away. */
  closing(reason: CloseReason, retryAfterMs: number): void;
}

/** What happened to a room in someone's list. `changed`: their role, or their settings. */
export type ListChange = "added" | "removed" | "renamed" | "changed";

/** What anyone who joins a room learns about it besides its messages. */
export interface Surroundings extends Reading {
  readonly online: number;
  readonly people: readonly Named[];
}
