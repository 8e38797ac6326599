import type { Ruling } from "../../src/chat/change.ts";
import type { Ruled } from "../../src/chat/room/rulings.ts";
import type { PeopleWrite } from "./people.ts";
import { pinsIn } from "./pinned.ts";
import type { Rows } from "./rows.ts";

interface RulingRowsOptions {
  readonly rows: Rows;
  readonly everyone: readonly number[];
  fail(sentence: string, detail: string): void;
}

/** The rows that rulings write in the model database, and whether they agree with their notices. */
export function createRulingRows({ rows, everyone, fail }: RulingRowsOptions) {
  const { order, people, factsOf } = rows;

  /** The rows of people that a ruling writes. */
  const peopleOf = (room: string, { seats, emptied }: Ruled): PeopleWrite[] => {
    const written: PeopleWrite[] = [];
    const version = emptied.get(room);
    if (version !== undefined)
      for (const userId of people.members(room)) {
        const member = people.memberOf({ userId, room });
        if (member)
          written.push({
            seat: { userId, room },
            member: { ...member, state: "removed", role: "member", changed: version },
          });
      }
    for (const { userId, seat, joined } of seats.values()) {
      const { banned, blocked: _, ...member } = seat;
      const before = people.seatOf({ userId, room });
      const since = joined ?? people.memberOf({ userId, room })?.since ?? 0;
      if (member.state !== "none" || before.state !== "none")
        written.push({ seat: { userId, room }, member: { ...member, since } });
      if (banned !== before.banned) written.push({ seat: { userId, room }, banned });
    }
    return written;
  };

  /** The rows say the same about everyone as the notices. */
  const check = ({ room }: Ruling) => {
    const facts = factsOf(room);
    const known = order.facts(rows.epoch, room);
    const isSame = (["kind", "archived", "deleted", "history", "membersAdd", "beginsAfter"] as const).every(
      (what) => facts[what] === known[what],
    );
    if (!isSame) fail("a room is not what its notices say", `${room}: ${JSON.stringify([facts, known])}`);
    const { log, pins: kept, known: messages } = rows.roomOf(room);
    const shown = [...kept].filter(([id]) => !messages.get(id)?.deletedAt);
    if (!Bun.deepEquals(new Map(shown), pinsIn(log)))
      fail("the pins are not what the notices say", `${room}: ${JSON.stringify(shown)}`);
    for (const userId of everyone) {
      if (!order.isKnown(room, userId)) continue;
      const seat = people.seatOf({ userId, room });
      const standing = order.standing(rows.epoch, room, userId);
      const agrees =
        (seat.state === "in") === (standing.state === "in") &&
        seat.banned === standing.banned &&
        (seat.state !== "in" || (seat.role === standing.role && seat.fromId === standing.from));
      if (!agrees)
        fail(
          "someone is not what the notices say",
          `${userId} in ${room}: ${JSON.stringify([seat, standing])}`,
        );
    }
  };

  return { peopleOf, check };
}
