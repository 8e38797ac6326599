import { createHistogram, type Histogram } from "./histogram.ts";
import type { Protocol, Seat } from "./orders.ts";

/** Commands that a socket may have unanswered; a ring of their stamps is kept. */
export const RING = 256;

/** A room as this process sees it. */
export interface Room {
  readonly name: string;
  /** Where what differs begins in a message of chat.v1. */
  readonly prefix: number;
  readonly members: Member[];
  /** What was said from here, and acknowledged. */
  count: number;
  sum: number;
  /** The message that was delivered last, and to how many readers here. */
  stamp: number;
  readers: number;
}

/** One socket: plain data, so that ten thousand of them are cheap. */
export interface Member {
  readonly seat: Seat;
  readonly room: Room | undefined;
  readonly port: number;
  readonly protocol: Protocol;
  readonly ordered: boolean;
  socket: Bun.Socket<Member> | undefined;
  state: "closed" | "opening" | "open" | "live";
  /** Bytes of a frame that is not whole yet; and bytes that the kernel has not taken. */
  rest: Buffer | undefined;
  unsent: Buffer | undefined;
  epoch: string;
  /** The id that was delivered last; -1: the next one may be any. */
  version: number;
  received: number;
  sum: number;
  /** Of one who speaks: when each unanswered message was sent, by ref. */
  readonly stamps: Float64Array | undefined;
  ref: number;
  unanswered: number;
  /** How many messages it may still send. */
  left: number;
  /** Called once, when the socket is live or has ended. */
  settled: (() => void) | undefined;
}

/** What is counted between two marks, for the whole process. */
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
