import type { News, Notice, RoomNews } from "./news.ts";

/**
 * Tells other nodes what happens here, and us what happens there. It is for speed, never for truth: no promise to a
 * client may rest on it, and everything that it carries is found without it too, only later.
 *
 * What it promises:
 * - What is told may be lost, doubled, late or out of order. The timeline makes an exact order of it, with the database
 *   behind it.
 * - It is heard by other nodes, never by the one that told it.
 * - News of a room are heard between the settling of `subscribe` and the call of `unsubscribe`, while the bus works;
 *   those of rooms that nobody here subscribed to cost nothing here.
 * - When the bus works again after it did not, `restored` is called, once every subscription stands again. What was told
 *   in between is lost.
 * - A node that ended, or that nothing was heard of for seconds, is `gone`.
 * - What is heard is well formed, and of a node that speaks this version of the format; anything else is refused.
 * - Nothing here throws or waits for long, whatever the bus does, and memory stays bounded.
 */
export interface Bus {
  /** Tells the other nodes that hear of the room. */
  publish(news: RoomNews): void;
  /** Tells all other nodes. */
  announce(notice: Notice): void;
  /** Tells one other node. */
  reply(node: string, notice: Notice): void;
  /** Other nodes that are heard of. */
  readonly others: number;
  /** Starts to hear of a room. Settles when that stands, at once where the bus is away, and after 500 ms anyway. */
  subscribe(room: string): Promise<void>;
  unsubscribe(room: string): void;
  /** Adds someone who hears. */
  listen(listener: BusListener): void;
  /** Tells the others that this node goes, and ends. */
  stop(): Promise<void>;
}

export interface BusListener {
  /** Another node tells; `from`: which one. */
  heard?(news: News, from: string): void;
  restored?(): void;
  gone?(node: string): void;
  /** A node that was held to be gone is there after all. */
  returned?(node: string): void;
}
