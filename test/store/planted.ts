import type { Mutant } from "../support/mutants.ts";

/** How a careful commit locks its rooms. */
const LOCK = `    const locked = await rows<RoomRow>(tx, lockRooms(names, mayBeNew));
    for (const { name, leavers } of locked) known.seen(name, leavers);
    const closing = rulings.filter(closesDoors);
    if (closing.length > 0) await rows(tx, closeRooms(closing.map(({ room }) => room)));
`;

/** Bugs in the SQL, which the simulation does not run. Their files are in `src/store`. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: "the statement does not compare the fence",
    file: "statements.ts",
    from: "where r.leavers = excluded.leavers and r.fence = excluded.fence",
    to: "where r.leavers = excluded.leavers",
  },
  {
    name: "the statement reads the fence in its snapshot, not in the locked row",
    file: "statements.ts",
    from: "where r.leavers = excluded.leavers and r.fence = excluded.fence",
    to: "where r.leavers = excluded.leavers and (select s.fence from rooms s where s.id = r.id) = excluded.fence",
  },
  {
    name: "the statement does not compare the leavers",
    file: "statements.ts",
    from: "where r.leavers = excluded.leavers and r.fence = excluded.fence",
    to: "where r.fence = excluded.fence",
  },
  {
    name: "one fence for a batch whose posts have different ones",
    file: "messages.ts",
    from: "fence === NO_FENCE || (first !== undefined && first !== fence)",
    to: "fence === NO_FENCE",
  },
  {
    name: "a post creates a room in which someone once lost a right",
    file: "statements.ts",
    from: "const isThere = known.some((fence) => fence > 0)",
    to: "const isThere = known.some((fence) => fence < 0)",
  },
  {
    name: "memberships are read before the rooms are locked",
    file: "careful.ts",
    from: `${LOCK}    const state = await readState(tx, changes, rulings, locked);\n`,
    to: `    const early = seatsOf(changes, []);
    const read = early.length > 0 ? await rows<MembershipRow>(tx, readMemberships(early)) : [];
${LOCK}    const seats = new Map(early.map((seat, at) => [seatKey(seat), seatFactsOf(read[at] as MembershipRow)]));
    const state = { ...(await readState(tx, changes, rulings, locked)), seats };\n`,
  },
  {
    name: "a join drops the notices of an operator",
    file: "reading.ts",
    from: "m join users u on u.id = m.sender_id",
    to: "m join users u on u.id = m.sender_id and u.id > 0",
  },
  {
    name: "unread counts what was before someone was added",
    file: "lists.ts",
    from: "greatest(m.version, o.last_read, ${UNSEEN}) end as mark",
    to: "greatest(o.last_read, 0) end as mark",
  },
  {
    name: "people add themselves to private rooms",
    file: "joins.ts",
    from: "(kind = 'open' and deleted_at is null",
    to: "(deleted_at is null",
  },
  {
    name: "a block does not reach the direct room of the two",
    file: "blocks.ts",
    from: "if (made.length > 0) await rows(tx, moveFence(userId, blockedId));",
    to: "void moveFence;",
  },
  {
    name: "a link is used more often than it may be",
    file: "ruled.ts",
    from: "'left', i.max_uses - i.uses,",
    to: "'left', i.max_uses,",
  },
];
