/** What a load process is told to do, and what it answers. They cross between processes as JSON. */

/** One socket: who sits where. */
export interface Seat {
  readonly username: string;
  readonly token: string;
  /** The room of the URL; null: `/ws/`, which joins nothing. */
  readonly room: string | null;
  /** Whether it sends when there is talk. */
  readonly speaks: boolean;
}

export type Protocol = "v1" | "plain";

/**
 * How fast those who speak do: with so many messages unanswered each (and `each` in all, where it is given), or so many
 * a second together.
 */
export type Pace = { readonly window: number; readonly each?: number } | { readonly perSecond: number };

export type Order =
  /**
   * Opens sockets, `parallel` at a time, beside those that are open; answers when all are live. `overMs`: spread evenly
   * over so long.
   */
  | {
      readonly do: "dial";
      readonly port: number;
      readonly protocol: Protocol;
      /** Whether ids go 1, 2, 3 … in the order of delivery; a server without that promise is only held to the sums. */
      readonly ordered: boolean;
      readonly seats: readonly Seat[];
      readonly parallel: number;
      readonly overMs?: number;
    }
  /** Opens every socket that was lost or cut again, from where it stood. */
  | { readonly do: "return"; readonly parallel: number }
  /** Cuts all sockets, or those that do not speak, without a goodbye. */
  | { readonly do: "cut"; readonly listeners?: boolean }
  /** Closes all sockets and forgets them. */
  | { readonly do: "leave" }
  | { readonly do: "talk"; readonly pace: Pace }
  /** Stops talking; answers when everything sent was answered. `finish`: each says all it has to first, in so many ms. */
  | { readonly do: "hush"; readonly finish?: number }
  /** Waits until every socket is live and has all that was said in its room, and says which are not so. */
  | { readonly do: "settle"; readonly said: Readonly<Record<string, Said>>; readonly limitMs: number }
  /** Replies what was counted since the last mark. */
  | { readonly do: "mark" };

/** What was said in a room: how many messages, and the sum (modulo 2^32) of the stamps that they carry. */
export interface Said {
  readonly count: number;
  readonly sum: number;
}

/** Counted between two marks. */
export interface Counts {
  readonly acked: number;
  readonly delivered: number;
  readonly presence: number;
  readonly lagging: number;
  readonly refused: number;
  readonly bytes: number;
  /** Histograms of microseconds. */
  readonly ack: readonly number[];
  readonly delivery: readonly number[];
  /** What the last message took to its last reader, for each message that all readers here had: a histogram. */
  readonly last: readonly number[];
}

export interface Replies {
  dial: { readonly live: number; readonly openMs: number; readonly liveMs: number };
  return: { readonly live: number; readonly openMs: number; readonly liveMs: number };
  cut: { readonly cut: number };
  leave: { readonly left: number };
  talk: { readonly speakers: number };
  hush: { readonly said: Readonly<Record<string, Said>> };
  settle: { readonly problems: readonly string[] };
  mark: Counts;
}

/** Bytes of a message's text: a stamp of 16 digits, then filling. */
export const TEXT_LENGTH = 64;
export const STAMP_LENGTH = 16;
