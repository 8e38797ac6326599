import { createHistogram, type Histogram } from "./histogram.ts";
import type { Protocol, Seat } from "./orders.ts";

/** The maximum number of unacknowledged messages per socket: the size of the ring of their timestamps. */
export const RING = 256;

/** A room as this process sees it. */
export interface Room {
  readonly name: string;
  /** Length of the part that all chat.v1 messages of this room have in common. */
  readonly prefix: number;
  readonly members: Member[];
  /** Count and timestamp sum of the acknowledged messages that this process sent. */
  count: number;
  sum: number;
  /** Timestamp of the last delivered message, and how many members in this process have received it. */
  stamp: number;
  readers: number;
}

/** One socket. Plain data, so that ten thousand of them are cheap. */
export interface Member {
  readonly seat: Seat;
  readonly room: Room | undefined;
  readonly port: number;
  readonly protocol: Protocol;
  readonly ordered: boolean;
  socket: Bun.Socket<Member> | undefined;
  state: "closed" | "opening" | "open" | "live";
  /** Bytes of an incomplete frame. */
  rest: Buffer | undefined;
  /** Bytes that the kernel has not accepted yet. */
  unsent: Buffer | undefined;
  epoch: string;
  /** The last delivered id; -1 if the next message may have any id. */
  version: number;
  received: number;
  sum: number;
  /** For senders: when each unacknowledged message was sent, by ref modulo `RING`. */
  readonly stamps: Float64Array | undefined;
  ref: number;
  unanswered: number;
  /** Number of messages still to send. */
  left: number;
  /** Called once, when the socket is live or has closed. */
  settled: (() => void) | undefined;
}

/** The counters of this process since the last mark. */
export interface Tally {
  acked: number;
  delivered: number;
  presence: number;
  lagging: number;
  refused: number;
  bytes: number;
  ack: Histogram;
  delivery: Histogram;
  last: Histogram;
}

export const createTally = (): Tally => ({
  acked: 0,
  delivered: 0,
  presence: 0,
  lagging: 0,
  refused: 0,
  bytes: 0,
  ack: createHistogram(),
  delivery: createHistogram(),
  last: createHistogram(),
});

export const createRoom = (name: string): Room => ({
  name,
  prefix: `{"type":"message","room":"${name}","change":"created",`.length,
  members: [],
  count: 0,
  sum: 0,
  stamp: 0,
  readers: 0,
});

export function createMember(
  seat: Seat,
  room: Room | undefined,
  { port, protocol, ordered }: Pick<Member, "port" | "protocol" | "ordered">,
): Member {
  return {
    seat,
    room,
    port,
    protocol,
    ordered,
    socket: undefined,
    state: "closed",
    rest: undefined,
    unsent: undefined,
    epoch: "",
    version: -1,
    received: 0,
    sum: 0,
    stamps: seat.speaks ? new Float64Array(RING) : undefined,
    ref: 0,
    unanswered: 0,
    left: 0,
    settled: undefined,
  };
}
