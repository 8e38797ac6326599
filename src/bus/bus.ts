import type { News, Notice, RoomNews } from "./news.ts";

/**
 * Carries news between nodes. It only adds speed: no promise to a client may depend on it. Without it,
 * changes to rooms and ended access still reach other nodes through the database, only later.
 *
 * Guarantees:
 * - News may be lost, duplicated, delayed or reordered. The timeline sorts it and fills gaps from the database.
 * - News reaches other nodes, never its sender.
 * - While the bus is up, a room's news arrives from the moment `subscribe` resolves until `unsubscribe` is
 *   called. Rooms without a subscription cost nothing.
 * - After an outage, `restored` is called once all subscriptions are active again. News in between is lost.
 * - A node that has stopped, or has been silent for seconds, is reported as `gone`.
 * - Received news is well-formed and has this version of the format. Anything else is rejected.
 * - No method throws or blocks for long, whatever the state of the bus, and memory use is bounded.
 */
export interface Bus {
  /** Sends news to the other nodes that subscribe to its room. */
  publish(news: RoomNews): void;
  /** Sends a notice to all other nodes. */
  announce(notice: Notice): void;
  /** Sends a notice to one other node. */
  reply(node: string, notice: Notice): void;
  /** Number of other nodes believed to be alive. */
  readonly others: number;
  /** Subscribes to a room. Resolves once subscribed, at once if the bus is down, and after 500 ms anyway. */
  subscribe(room: string): Promise<void>;
  unsubscribe(room: string): void;
  /** Adds a listener. */
  listen(listener: BusListener): void;
  /** Tells the other nodes that this one is leaving, then closes the bus. */
  stop(): Promise<void>;
}

export interface BusListener {
  /** News arrived from the node `from`. */
  heard?(news: News, from: string): void;
  /** The bus is up again after an outage, or for the first time. */
  restored?(): void;
  gone?(node: string): void;
  /** A node that was reported as gone is alive after all. */
  returned?(node: string): void;
}
