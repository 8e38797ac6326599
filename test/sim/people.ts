import { type Departures, type Reading, type Seat, seatKey } from "../../src/chat/ports.ts";
import { type RoomFacts, type SeatFacts, STRANGER } from "../../src/chat/rights.ts";

/** A membership as it is stored, with the version from which on messages are not unread. */
export type MemberRow = Omit<SeatFacts, "banned" | "blocked"> & { readonly since: number };

/** Who belongs to which room and who is banned from it, as one epoch of the database has it. */
interface PeopleRows {
  /** By {@link seatKey}. */
  readonly members: Map<string, MemberRow>;
  readonly bans: Set<string>;
  readonly marks: Map<string, number>;
}

/** One row as it was written: a membership, a ban or its end, or a read mark. */
export type PeopleWrite =
  | { readonly seat: Seat; readonly member: MemberRow }
  | { readonly seat: Seat; readonly banned: boolean }
  | { readonly seat: Seat; readonly lastRead: number };

const newRows = (): PeopleRows => ({ members: new Map(), bans: new Set(), marks: new Map() });

interface PeopleOptions {
  readonly now: () => number;
  factsOf(room: string): RoomFacts;
  /** Whom people block, each as `<person> <whom they block>`. */
  blocks(): readonly string[];
}

/** The people's part of the model of the database. */
export function createPeople({ now, factsOf, blocks }: PeopleOptions) {
  let rows = newRows();
  /** When each person last left each room. It outlives a restore. */
  const leftAt = new Map<string, number>();
  /** When each person was last out of each room: removed, banned, or gone. */
  const outAt = new Map<string, number>();

  const members = (room: string): number[] =>
    rows.members
      .entries()
      .filter(([key, { state }]) => state === "in" && key.endsWith(` ${room}`))
      .map(([key]) => Number.parseInt(key, 10))
      .toArray();

  const isBlocked = (room: string): boolean => {
    if (factsOf(room).kind !== "direct") return false;
    const [one, other, ...others] = members(room);
    return (
      others.length === 0 && blocks().some((pair) => pair === `${one} ${other}` || pair === `${other} ${one}`)
    );
  };

  return {
    write(row: PeopleWrite) {
      const key = seatKey(row.seat);
      if (("member" in row && row.member.state !== "in") || ("banned" in row && row.banned))
        outAt.set(key, now());
      if ("member" in row) rows.members.set(key, row.member);
      else if ("lastRead" in row) rows.marks.set(key, row.lastRead);
      else if (row.banned) rows.bans.add(key);
      else rows.bans.delete(key);
    },
    /** The row of someone who enters an open room; undefined if they are in it. */
    enrolled(seat: Seat, version: number): MemberRow | undefined {
      const before = rows.members.get(seatKey(seat));
      if (before?.state === "in") return undefined;
      const { banned: _, blocked: __, ...stranger } = STRANGER;
      return { ...stranger, ...before, state: "in", since: version };
    },
    /** The row of someone who leaves an open room; undefined if they are not in it. */
    leaving(seat: Seat): MemberRow | undefined {
      leftAt.set(seatKey(seat), now());
      const member = rows.members.get(seatKey(seat));
      if (member?.state !== "in" || factsOf(seat.room).kind !== "open") return undefined;
      return { ...member, state: "left" };
    },
    seatOf(seat: Seat): SeatFacts {
      const { since: _, ...member } = rows.members.get(seatKey(seat)) ?? { since: 0 };
      const banned = rows.bans.has(seatKey(seat));
      return { ...STRANGER, ...member, banned, blocked: isBlocked(seat.room) };
    },
    memberOf: (seat: Seat) => rows.members.get(seatKey(seat)),
    /** The people in a room. */
    members,
    reset: () => void (rows = newRows()),
    readingOf(seat: Seat): Reading {
      const key = seatKey(seat);
      return { lastRead: Math.max(rows.members.get(key)?.since ?? 0, rows.marks.get(key) ?? 0), unread: 0 };
    },
    departures: (userIds: readonly number[]): Departures[] =>
      userIds.map((userId) => {
        const found = new Map<string, "banned" | "left">();
        const begin = `${userId} `;
        for (const [key, { state }] of rows.members)
          if (key.startsWith(begin) && state === "left") found.set(key.slice(begin.length), "left");
        for (const key of rows.bans) if (key.startsWith(begin)) found.set(key.slice(begin.length), "banned");
        return found;
      }),
    isMember: (seat: Seat) => rows.members.get(seatKey(seat))?.state === "in",
    /** When someone last left a room; undefined: never. */
    outAt: (seat: Seat) => outAt.get(seatKey(seat)),
    leftAt: (seat: Seat) => leftAt.get(seatKey(seat)),
  };
}
