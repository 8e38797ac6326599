import type { RoomChange } from "../message.ts";

/**
 * Tells other nodes of changes. It promises little: what is published may be lost, doubled, late or out of order.
 * The timeline makes an exact order of it, with the database behind it.
 */
export interface Bus {
  publish(change: RoomChange): void;
  /** Starts to hear of a room; settles when that stands. */
  subscribe(room: string): Promise<void>;
  unsubscribe(room: string): void;
  /** Sets who hears: of changes of other nodes, and that the bus is back after it was away. */
  listen(listener: { changed(change: RoomChange): void; restored(): void }): void;
}
