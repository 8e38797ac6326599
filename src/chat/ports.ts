import type { Message } from "../message.ts";
import type { Change, Outcome } from "./room/change.ts";

/**
 * One WebSocket, as this folder needs it. Sends and publishes of one tick arrive in the order of their calls, and a
 * subscriber gets exactly what is published between its `subscribe` and its `unsubscribe`.
 */
export interface Socket {
  /** Queues a frame. Past the runtime's hard limit the socket is cut. */
  send(frame: string): void;
  /** Bytes that wait to be written; the newest publishes may not be among them yet: see {@link Fanout.hidden}. */
  buffered(): number;
  /** To be called once, and once undone. */
  subscribe(topic: string): void;
  unsubscribe(topic: string): void;
  /** Stops reading from it; what was read already may still come. */
  pause(): void;
  resume(): void;
  close(code: number, reason: string): void;
}

export interface Fanout {
  /** Sends a frame to all subscribers of a topic. True: at least one of them has bytes waiting. */
  publish(topic: string, frame: string): boolean;
  /** Writes all it can. So many bytes at most, of what was published, a socket's `buffered` then does not show yet. */
  hidden(): number;
}

/** Why a commit failed. `duplicate` and `invalid`: nothing was committed. `unknown`: it may have been. */
export class CommitFailure extends Error {
  override readonly name = "CommitFailure";
  constructor(
    readonly kind: "duplicate" | "invalid" | "unknown",
    cause: unknown,
  ) {
    super(`commit failed (${kind})`, { cause });
  }
}

export interface Committed {
  readonly epoch: string;
  /** One for each change, in their order. What was refused was not written. */
  readonly outcomes: readonly Outcome[];
}

/** A page of a room's changes: one snapshot of the room's counter and of messages, none larger than asked for. */
export interface Page {
  readonly epoch: string;
  /** The room's counter; 0 for a room that has no messages yet. */
  readonly counter: number;
  readonly messages: readonly Message[];
  /** The version up to which the page holds everything there is after the one asked for. */
  readonly end: number;
}

export interface Store {
  /** How many commits may run side by side; a room's always run on the same lane. */
  readonly lanes: number;
  /**
   * Commits changes in their order: each takes its room's next version; one that was committed before (same sender,
   * room and clientId) is answered with its first ack. A room's new versions are one contiguous range.
   * `careful`: some of them may have been committed before. Without it a batch of posts fails as `duplicate` then.
   * @throws {CommitFailure}
   */
  commit(lane: number, changes: readonly Change[], careful: boolean): Promise<Committed>;
  /** Messages that changed after version `after`, by version. */
  changesSince(room: string, after: number): Promise<Page>;
  /** Messages that were posted after version `after`, by id, whatever became of them since. */
  postsSince(room: string, after: number): Promise<Page>;
  /** The rooms' counters (0: no such room), and the epoch. */
  counters(rooms: readonly string[]): Promise<{ epoch: string; versions: ReadonlyMap<string, number> }>;
}
