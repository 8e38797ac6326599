// Orders for load processes and their replies, which cross between processes as JSON.

/** One socket to open: a person in a room. */
export interface Seat {
  readonly username: string;
  readonly token: string;
  /** The room in the URL; null for `/ws/`, which joins no room. */
  readonly room: string | null;
  /** Whether it sends messages. */
  readonly speaks: boolean;
}

export type Protocol = "v1" | "plain";

/**
 * The pace of the senders: either `window` unacknowledged messages per sender, up to `each` messages in all, or
 * `perSecond` messages from all senders of a process together.
 */
export type Pace = { readonly window: number; readonly each?: number } | { readonly perSecond: number };

export type Order =
  /**
   * Opens more sockets, `parallel` at a time, spread evenly over `overMs`. The reply comes when each is live or has
   * failed.
   */
  | {
      readonly do: "dial";
      readonly port: number;
      readonly protocol: Protocol;
      /** Whether ids must be delivered consecutively. For a server without that guarantee only the sums are verified. */
      readonly ordered: boolean;
      readonly seats: readonly Seat[];
      readonly parallel: number;
      readonly overMs?: number;
    }
  /** Reopens every closed socket and resumes from its last position. */
  | { readonly do: "return"; readonly parallel: number }
  /** Terminates all sockets without a close frame; with `listeners`, only those that do not send. */
  | { readonly do: "cut"; readonly listeners?: boolean }
  /** Closes and forgets all sockets. */
  | { readonly do: "leave" }
  /** Starts the senders. */
  | { readonly do: "talk"; readonly pace: Pace }
  /**
   * Stops the senders. The reply comes when every sent message was acknowledged. With `finish`, first waits up to that
   * many milliseconds for them to send all their messages.
   */
  | { readonly do: "hush"; readonly finish?: number }
  /** Waits until every socket is live and has all messages of its room, then reports those that do not. */
  | { readonly do: "settle"; readonly said: Readonly<Record<string, Said>>; readonly limitMs: number }
  /** Returns the counters since the last mark and resets them. */
  | { readonly do: "mark" };

/** The acknowledged messages of a room: their number, and the sum (modulo 2^32) of their timestamps. */
export interface Said {
  readonly count: number;
  readonly sum: number;
}

/** The counters since the last mark. */
export interface Counts {
  readonly acked: number;
  readonly delivered: number;
  readonly presence: number;
  readonly lagging: number;
  readonly refused: number;
  readonly bytes: number;
  /** Histogram: microseconds from sending to acknowledgement. */
  readonly ack: readonly number[];
  /** Histogram: microseconds from sending to each delivery. */
  readonly delivery: readonly number[];
  /** Histogram: microseconds until the last member in this process received a message. */
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

/** Bytes of a message's text: a timestamp of `STAMP_LENGTH` digits, then padding. */
export const TEXT_LENGTH = 64;
export const STAMP_LENGTH = 16;
