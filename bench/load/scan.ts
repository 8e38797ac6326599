import { type Member, RING, type Tally } from "./member.ts";
import { record } from "./histogram.ts";
import { STAMP_LENGTH } from "./orders.ts";

/** One delivery in this many is parsed in full to verify what was read from its bytes. */
const SAMPLE = 4096;
const [ZERO, QUOTE, I, M, O, P, R] = Buffer.from('0"imopr') as unknown as [
  ...[number, number, number, number],
  ...[number, number, number],
];
const TYPE = '{"type":"'.length;

/** The fields that are read from parsed frames. */
interface ServerFrame {
  readonly type: string;
  readonly room: string;
  readonly epoch: string;
  readonly resumed: boolean;
  readonly id: number;
  readonly version: number;
  readonly prev: number;
  readonly content: string;
}

export interface Scanner {
  /** Reads the payload of one text frame. `now` is in microseconds. */
  take(member: Member, bytes: Buffer, from: number, to: number, now: number): void;
}

interface ScannerOptions {
  readonly tally: () => Tally;
  /** Called when a message of this member was acknowledged, so that it may send another. */
  answered(member: Member): void;
  live(member: Member): void;
  problem(text: string): void;
}

/**
 * Reads frames in place, because parsing each would cost more than the server spends on sending it. Fields are expected
 * at the positions where the servers of this benchmark put them. Any other frame is parsed.
 */
export function createScanner({ tally, answered, live, problem }: ScannerOptions): Scanner {
  let at = 0;
  let samples = 0;

  const digits = (bytes: Buffer) => {
    let value = 0;
    for (;;) {
      const digit = (bytes[at] as number) - ZERO;
      if (!(digit >= 0 && digit <= 9)) return value;
      value = value * 10 + digit;
      at++;
    }
  };

  /** Whether the skipped bytes end with `":"`, which holds if the frame has the expected fields. */
  const textBegins = (bytes: Buffer) => bytes[at - 1] === QUOTE && bytes[at - 3] === QUOTE;

  const stampAt = (bytes: Buffer) => {
    let value = 0;
    const end = at + STAMP_LENGTH;
    for (; at < end; at++) value = value * 10 + ((bytes[at] as number) - ZERO);
    return value;
  };

  const delivered = (member: Member, stamp: number, now: number) => {
    const counts = tally();
    counts.delivered++;
    record(counts.delivery, now - stamp);
    member.received++;
    member.sum = (member.sum + stamp) | 0;
    const { room } = member;
    if (!room) return;
    if (room.stamp !== stamp) {
      room.stamp = stamp;
      room.readers = 0;
    }
    if (++room.readers === room.members.length) record(counts.last, now - stamp);
  };

  /** Counts a sender's own message as committed: on its ack, or in the plain protocol on its echo. */
  const acked = (member: Member, stamp: number, now: number) => {
    const counts = tally();
    counts.acked++;
    record(counts.ack, now - stamp);
    member.unanswered--;
    if (member.room) {
      member.room.count++;
      member.room.sum = (member.room.sum + stamp) | 0;
    }
    answered(member);
  };

  const follow = (member: Member, id: number, follows: boolean) => {
    if (member.ordered && !follows)
      problem(`${member.seat.username} in ${member.room?.name}: id ${id} arrived after ${member.version}`);
    member.version = id;
  };

  const message = (member: Member, bytes: Buffer, from: number, to: number, now: number) => {
    at = from + (member.room?.prefix ?? 0) + 1;
    const kind = bytes[at];
    if (kind !== P && kind !== R) return parsed(member, bytes.toString("utf8", from, to), now);
    let follows = true;
    if (kind === P) {
      at += 'prev":'.length;
      follows = digits(bytes) === member.version;
    } else at += 'replay":true'.length;
    at += ',"id":'.length;
    const start = at;
    const id = digits(bytes);
    at += ',"version":'.length + (at - start) + ',"username":"'.length;
    while (at < to && bytes[at] !== QUOTE) at++;
    at += '","content":"'.length;
    if (!textBegins(bytes)) return parsed(member, bytes.toString("utf8", from, to), now);
    follow(member, id, follows && id === member.version + 1);
    const stamp = stampAt(bytes);
    if (++samples % SAMPLE === 0) check(bytes.toString("utf8", from, to), "content", id, stamp);
    delivered(member, stamp, now);
  };

  const plain = (member: Member, bytes: Buffer, from: number, to: number, now: number) => {
    const { room, seat } = member;
    at = from + '{"'.length;
    if (bytes[at] !== I) return refused(member, bytes.toString("utf8", from, to));
    at += 'id":'.length;
    const id = digits(bytes);
    at += ',"room":"","username":"'.length + (room?.name.length ?? 0);
    const name = at;
    while (at < to && bytes[at] !== QUOTE) at++;
    const own = seat.speaks && bytes.toString("latin1", name, at) === seat.username;
    at += '","message":"'.length;
    if (!textBegins(bytes))
      return problem(`a frame has an unexpected shape: ${bytes.toString("utf8", from, to)}`);
    follow(member, id, member.version === -1 || id === member.version + 1);
    const stamp = stampAt(bytes);
    if (++samples % SAMPLE === 0) check(bytes.toString("utf8", from, to), "message", id, stamp);
    delivered(member, stamp, now);
    if (own) acked(member, stamp, now);
  };

  const check = (text: string, field: string, id: number, stamp: number) => {
    const frame = JSON.parse(text) as Record<string, unknown>;
    if (frame.id !== id || Number(String(frame[field]).slice(0, STAMP_LENGTH)) !== stamp)
      problem(`a frame was misread: ${text}`);
  };

  const refused = (member: Member, text: string) => {
    tally().refused++;
    member.unanswered--;
    problem(`${member.seat.username} was refused: ${text}`);
  };

  /** Parses a frame that is rare or has an unexpected shape. */
  function parsed(member: Member, text: string, now: number): void {
    const frame = JSON.parse(text) as Partial<ServerFrame>;
    switch (frame.type) {
      case "welcome":
        if (member.state === "opening") member.state = "open";
        if (!member.room) live(member);
        return;
      case "joined":
        if (!frame.resumed) {
          if (member.version > 0) problem(`${member.seat.username} could not resume ${frame.room}`);
          member.version = frame.version ?? 0;
        }
        member.epoch = frame.epoch ?? "";
        return;
      case "message": {
        const id = frame.id ?? 0;
        follow(member, id, id === member.version + 1 && (frame.prev ?? member.version) === id - 1);
        return delivered(member, Number(String(frame.content).slice(0, STAMP_LENGTH)), now);
      }
      case "synced":
        return live(member);
      case "presence":
        tally().presence++;
        return;
      case "lagging":
        tally().lagging++;
        return;
      case "error":
        return refused(member, text);
    }
  }

  return {
    take(member, bytes, from, to, now) {
      if (member.protocol === "plain") return plain(member, bytes, from, to, now);
      const kind = bytes[from + TYPE];
      if (kind === M) return message(member, bytes, from, to, now);
      if (kind !== O || !member.stamps) return parsed(member, bytes.toString("utf8", from, to), now);
      at = from + '{"type":"ok","ref":'.length;
      acked(member, member.stamps[digits(bytes) % RING] as number, now);
    },
  };
}
