import type { Mutant } from "../support/mutants.ts";
import { THREADS } from "./planted-threads.ts";

/** How a careful commit locks its rooms. */
const LOCK = `    const locked = await rows<RoomRow>(tx, lockRooms(names, mayBeNew));
    for (const { name, leavers } of locked) known.seen(name, leavers);
    const closing = rulings.filter(closesDoors);
    if (closing.length > 0) await rows(tx, closeRooms(closing.map(({ room }) => room)));
`;

/** Bugs in what the database does about files. */
const FILES: readonly Mutant[] = [
  {
    name: "a file that was sent is sent again",
    file: "attaching.ts",
    from: "and f.state in ('held', 'rejected', 'ready')",
    to: "and f.state <> 'doomed'",
  },
  {
    name: "files are read without being locked",
    file: "attaching.ts",
    from: "order by f.id for update of f",
    to: "order by f.id",
  },
  {
    name: "the files of a deleted message stay",
    file: "attaching.ts",
    from: "update files f set state = 'doomed', at",
    to: "update files f set at",
  },
  {
    name: "files of a message are seen by those who see no message before it",
    file: "files.ts",
    from: "f.message_id >= ${from}::bigint",
    to: "f.message_id >= least(1, ${from}::bigint)",
  },
  {
    name: "a file that nobody has sent is seen by everyone",
    file: "files.ts",
    from: "or f.state = 'ready' and f.user_id = ${userId}::bigint)",
    to: "or f.state = 'ready' and f.user_id <> -${userId}::bigint)",
  },
  {
    name: "the collector takes a file that was sent",
    file: "files.ts",
    from: "or state in ('receiving', 'held', 'rejected', 'ready') and at < ${ago(unsentMs)}",
    to: "or state in ('receiving', 'held', 'rejected', 'ready', 'attached') and at < ${ago(unsentMs)}",
  },
  {
    name: "an upload that was given up is completed",
    file: "files.ts",
    from: "where id = ${id}::text::uuid and state = 'uploading' returning true as done`",
    to: "where id = ${id}::text::uuid and state <> 'attached' returning true as done`",
  },
  {
    name: "giving up an upload takes a file that is ready",
    file: "files.ts",
    from: "state = case when b.state = 'uploading' then 'doomed' else b.state end",
    to: "state = case when b.state <> 'attached' then 'doomed' else b.state end",
  },
  {
    name: "rows go that still lead to something",
    file: "files.ts",
    from: "delete from files where id = any(${uuids(ids)}) and state = 'doomed'",
    to: "delete from files where id = any(${uuids(ids)})",
  },
];

/** Bugs in the SQL, which the simulation does not run. Their files are in `src/store`. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: "the statement does not compare the fence",
    file: "posting.ts",
    from: "where r.leavers = excluded.leavers and r.fence = excluded.fence",
    to: "where r.leavers = excluded.leavers",
  },
  {
    name: "the statement reads the fence in its snapshot, not in the locked row",
    file: "posting.ts",
    from: "where r.leavers = excluded.leavers and r.fence = excluded.fence",
    to: "where r.leavers = excluded.leavers and (select s.fence from rooms s where s.id = r.id) = excluded.fence",
  },
  {
    name: "the statement does not compare the leavers",
    file: "posting.ts",
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
    file: "posting.ts",
    from: "fenced: known.some((fence) => fence > 0)",
    to: "fenced: known.some((fence) => fence < 0)",
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
    file: "page.ts",
    from: "m join users u on u.id = m.sender_id",
    to: "m join users u on u.id = m.sender_id and u.id > 0",
  },
  {
    name: "unread counts what was before someone was added",
    file: "unread.ts",
    from: "then greatest(m.version, o.last_read) end, ${UNSEEN})",
    to: "then o.last_read end, 0)",
  },
  {
    name: "the deletion of a message leaves its mentions",
    file: "mentioning.ts",
    from: "const removed = old.filter((userId) => !now.includes(userId));",
    to: "const removed = message.deletedAt === null ? old.filter((userId) => !now.includes(userId)) : [];",
  },
  {
    name: "an edit adds mentions and removes none",
    file: "mentioning.ts",
    from: "const removed = old.filter((userId) => !now.includes(userId));",
    to: "const removed = message.deletedAt === null ? [] : old.filter((userId) => !now.includes(userId));",
  },
  {
    name: "an inbox checks access after its page was cut",
    file: "inbox.ts",
    from: "order by n.at desc, n.key desc ${atMost(LOOK)}\n",
    to: "order by n.at desc, n.key desc limit ${limit}::int + 1\n",
  },
  {
    name: "an inbox shows rooms that its reader has left",
    file: "inbox.ts",
    from: "where ${isListed} and (m.state = 'in' or ${isOpen})",
    to: "where ${isListed}",
  },
  {
    name: "an inbox shows what was before its reader may see",
    file: "unread.ts",
    from: "greatest(m.from_id - 1, r.begins_after)",
    to: "r.begins_after",
  },
  {
    name: "mentions by people whom one blocks are counted",
    file: "unread.ts",
    from: "n.sender_id <> ${userId} and ${isHeard(sql`n.sender_id`, userId)}",
    to: "n.sender_id <> ${userId}",
  },
  {
    name: "everyone are also those who joined later",
    file: "unread.ts",
    from: "message_id > greatest(${mark}, ${entered})",
    to: "message_id > ${mark}",
  },
  {
    name: "a repeat gets an ack without those who were not reached",
    file: "statements.ts",
    from: "select m.id, m.created_at as at, m.unreached,",
    to: "select m.id, m.created_at as at, null as unreached,",
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
  ...FILES,
  ...THREADS,
  {
    name: "a deletion leaves its row in the index",
    file: "careful.ts",
    from: "await writeUnindexed(tx, decision, roomIds);",
    to: "",
  },
  {
    name: "the index takes what was deleted since it was read",
    file: "searchindex.ts",
    from: "and m.version = e.version and m.deleted_at is null",
    to: "",
  },
  {
    name: "a deletion and the index pass each other",
    file: "searchindex.ts",
    from: "          await lockIndex(tx, [roomId]);\n",
    to: "",
  },
  {
    name: "a search looks up rooms without asking who may read them",
    file: "search.ts",
    from: "and ${unguessed(mayRead(scope))} and ${matching(",
    to: "and ${matching(",
  },
  {
    name: "a search checks access before the texts are read, not with them",
    file: "search.ts",
    from: "coalesce(${mayRead(scope)} and f.id >= ${FIRST} and",
    to: "coalesce(",
  },
  {
    name: "a search counts its limit before it leaves out what came before its place",
    file: "search.ts",
    from: "and s.at < ${timeOf(before)} and ${until}",
    to: "and s.at < ${timeOf(before)}",
  },
  {
    name: "a search finds what is before the first message that someone sees",
    file: "search.ts",
    from: "and f.id >= ${FIRST} and m.id is not null",
    to: "and m.id is not null",
  },
  {
    name: "a cursor moves without its lease",
    file: "cursors.ts",
    from: `        where consumer = \${consumer}::text and room_id = \${roomId}::bigint and lease = \${lease}::text::uuid
        returning true as moved`,
    to: `        where consumer = \${consumer}::text and room_id = \${roomId}::bigint
        returning true as moved`,
  },
  {
    name: "a claim takes a lease that somebody has",
    file: "cursors.ts",
    from: "where b.after is not null and (c.due_at is null or c.due_at <= clock_timestamp())",
    to: "where b.after is not null",
  },
  {
    name: "an edit mentions people who do not see the message",
    file: "../chat/room/mentioning.ts",
    from: " && reader.from <= (old?.id ?? next)",
    to: "",
  },
];
