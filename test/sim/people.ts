import type { Departures, Marked, Reading, Seat } from "../../src/chat/ports.ts";
import { type Membership, membershipOf, noRoom, STRANGER } from "../../src/chat/rights.ts";

/** Who belongs to which room and who is banned from it, as one epoch of the database has it. */
interface PeopleRows {
  /** By {@link seatKey}: whether the person is in, and since which version. */
  readonly members: Map<string, { state: "in" | "left"; version: number }>;
  readonly bans: Set<string>;
  readonly marks: Map<string, number>;
}

/** One row as it was written: a membership, a ban or its end, or a read mark. */
export type PeopleWrite =
  | { readonly seat: Seat; readonly state: "in" | "left"; readonly version: number }
  | { readonly seat: Seat; readonly banned: boolean }
  | { readonly seat: Seat; readonly lastRead: number };

export const seatKey = ({ userId, room }: Seat) => `${userId} ${room}`;

const newRows = (): PeopleRows => ({ members: new Map(), bans: new Set(), marks: new Map() });

/**
 * The people's part of the model of the database: the contract of `MemberStore`. `changed` records each write, so that a
 * restore can replay them.
 */
export function createPeople(
  now: () => number,
  counterOf: (room: string) => number,
  changed: (write: PeopleWrite) => void,
) {
  let rows = newRows();
  /** When each person last left, or was banned from, each room. Both outlive a restore. */
  const leftAt = new Map<string, number>();
  const bannedAt = new Map<string, number>();

  const write = (row: PeopleWrite) => {
    const key = seatKey(row.seat);
    if ("state" in row) rows.members.set(key, { state: row.state, version: row.version });
    else if ("lastRead" in row) rows.marks.set(key, row.lastRead);
    else if (row.banned) rows.bans.add(key);
    else rows.bans.delete(key);
    changed(row);
  };

  const readOf = (key: string) => Math.max(rows.members.get(key)?.version ?? 0, rows.marks.get(key) ?? 0);

  const enrol = (seat: Seat, version: number) => {
    if (rows.members.get(seatKey(seat))?.state !== "in") write({ seat, state: "in", version });
  };

  return {
    write,
    enrol,
    reset: () => void (rows = newRows()),
    join: (seats: readonly Seat[]): Reading[] =>
      seats.map(({ userId, room }) => {
        enrol({ userId, room }, counterOf(room));
        return { lastRead: readOf(seatKey({ userId, room })), unread: 0 };
      }),
    memberships: (seats: readonly Seat[]): Membership[] =>
      seats.map(({ userId, room }) => {
        const key = seatKey({ userId, room });
        const facts = { ...noRoom(room), version: counterOf(room) };
        const state = rows.members.get(key)?.state ?? "none";
        return membershipOf(room, facts, { ...STRANGER, state, banned: rows.bans.has(key) });
      }),
    leave({ userId, room }: Seat) {
      const key = seatKey({ userId, room });
      const member = rows.members.get(key);
      leftAt.set(key, now());
      if (member?.state !== "in") return false;
      write({ seat: { userId, room }, state: "left", version: member.version });
      return true;
    },
    mark: (marks: readonly (Seat & { readonly id: number })[]): Marked[] =>
      marks.map(({ userId, room, id }) => {
        const before = readOf(seatKey({ userId, room }));
        const lastRead = Math.max(before, Math.min(id, counterOf(room)));
        write({ seat: { userId, room }, lastRead });
        return { lastRead, moved: lastRead > before };
      }),
    departures: (userIds: readonly number[], roomNames: readonly string[]): Departures[] =>
      userIds.map((userId) => {
        const found = new Map<string, "banned" | "left">();
        for (const room of roomNames) {
          const key = seatKey({ userId, room });
          if (rows.members.get(key)?.state === "left") found.set(room, "left");
          if (rows.bans.has(key)) found.set(room, "banned");
        }
        return found;
      }),
    setBan({ userId, room }: Seat, banned: boolean) {
      if (banned) bannedAt.set(seatKey({ userId, room }), now());
      write({ seat: { userId, room }, banned });
    },
    isMember: (seat: Seat) => rows.members.get(seatKey(seat))?.state === "in",
    isBanned: (seat: Seat) => rows.bans.has(seatKey(seat)),
    /** When someone last left a room; undefined: never. */
    leftAt: (seat: Seat) => leftAt.get(seatKey(seat)),
    bannedAt: (seat: Seat) => bannedAt.get(seatKey(seat)),
    banned: (): Seat[] =>
      [...rows.bans].map((key) => {
        const [userId, room = ""] = key.split(" ");
        return { userId: Number(userId), room };
      }),
  };
}
