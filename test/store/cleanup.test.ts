import { afterAll, beforeAll, expect, test } from "bun:test";
import { type SQL, sql } from "drizzle-orm";
import {
  removeEndedSessions,
  removeOldKeys,
  removeOldLinks,
  removeUnusedRooms,
} from "../../src/db/cleanup.ts";
import { rows } from "../../src/db/database.ts";
import { START_MS } from "../support/house.ts";
import { until } from "../support/until.ts";
import { onEachDriver, post, setBan, type Stocked, stock } from "../chat/stocked.ts";

// What nobody needs is removed. Nothing else is, whatever happens at the same time.

const DAY = 24 * 3600_000;

onEachDriver((open) => {
  let at: Stocked;
  beforeAll(async () => {
    at = await stock(open);
  }, START_MS);
  afterAll(() => at.database.close());

  const run = <T>(statement: SQL) => at.database.run((orm) => rows<T>(orm, statement));
  const age = (...names: string[]) =>
    run(
      sql`update rooms set created_at = now() - interval '25 hours' where name = any(${`{${names}}`}::text::text[])`,
    );
  const namesOf = async () =>
    (await run<{ name: string }>(sql`select name from rooms order by name`)).map(({ name }) => name);
  /** Joins, again if another transaction holds the room. */
  const join = async (userId: number, room: string) => {
    for (;;) {
      const [joined] = await at.members.join([{ userId, room }]);
      if (!(joined instanceof Error)) return joined;
    }
  };
  /** Memberships of rooms that do not exist. */
  const orphans = () =>
    run(
      sql`select m.user_id from members m where m.state = 'in' and not exists (select from rooms r where r.id = m.room_id)`,
    );

  test("rooms without messages, members, bans and audit entries are removed after a day", async () => {
    for (const room of ["joined", "left", "left-new", "posted-left", "banned", "unbanned"])
      await join(at.ada, room);
    await at.store.commit(0, [post(at.ben, "posted-left", "hello")], false);
    for (const userId of [at.ada, at.ben]) await at.members.leave({ userId, room: "posted-left" });
    for (const room of ["left", "left-new", "banned", "unbanned"])
      await at.members.leave({ userId: at.ada, room });
    // A ban is a message of its room. Those from earlier versions of the server had none.
    await run(
      sql`insert into bans (user_id, room_id) select ${at.ben}::bigint, id from rooms where name = 'banned'`,
    );
    for (const set of ["banned", "unbanned"] as const)
      await setBan(at.store, set, { userId: at.ben, room: "unbanned" });
    await age("joined", "left", "posted-left", "banned", "unbanned");
    expect(await removeUnusedRooms(at.database, null)).toBeNull();
    expect(await namesOf()).toEqual(["banned", "joined", "left-new", "posted-left", "unbanned"]);
    expect(
      await run(sql`select from members m where not exists (select from rooms r where r.id = m.room_id)`),
    ).toEqual([]);
    // It begins again like any new room.
    expect(await join(at.ben, "left")).toEqual({ lastRead: 0, unread: 0, created: true });
    expect((await at.store.commit(0, [post(at.ben, "left", "hello")], false)).outcomes).toMatchObject([
      { ack: { id: 1 } },
    ]);
  });

  test("a room that someone joins in an open transaction is left alone, without waiting", async () => {
    if (at.database.driver === "pglite") return;
    await run(sql`insert into rooms (name) values ('being-joined')`);
    await age("being-joined");
    await at.database.run((orm) =>
      orm.transaction(async (tx) => {
        await rows(tx, sql`select from rooms where name = 'being-joined' for key share`);
        await removeUnusedRooms(at.database, null);
        await rows(
          tx,
          sql`insert into members (user_id, room_id) select ${at.ada}::bigint, id from rooms where name = 'being-joined'`,
        );
      }),
    );
    await removeUnusedRooms(at.database, null);
    expect(await namesOf()).toContain("being-joined");
  });

  test("a join or a ban while the room is being removed ends up in a room that exists", async () => {
    if (at.database.driver === "pglite") return;
    for (const [room, act] of [
      ["vanishing-1", (room: string) => join(at.ada, room)],
      ["vanishing-2", (room: string) => setBan(at.store, "banned", { userId: at.ada, room })],
      ["vanishing-3", (room: string) => at.store.commit(0, [post(at.ada, room, "hello")], false)],
    ] as const) {
      await run(sql`insert into rooms (name) values (${room}::text)`);
      let acting: Promise<unknown> | undefined;
      await at.database.run((orm) =>
        orm.transaction(async (tx) => {
          await rows(tx, sql`delete from rooms where name = ${room}::text`);
          acting = act(room);
          await until(async () => (await run(sql`select from pg_locks where not granted`)).length > 0);
        }),
      );
      await acting;
      expect(await namesOf()).toContain(room);
      expect(await orphans()).toEqual([]);
      expect(
        await run(sql`select from bans b where not exists (select from rooms r where r.id = b.room_id)`),
      ).toEqual([]);
    }
  });

  test("joins, posts and departures beside the removal lose no membership", async () => {
    if (at.database.driver === "pglite") return;
    const ROUNDS = 20;
    let done = false;
    const removing = (async () => {
      while (!done) await removeUnusedRooms(at.database, null, 0);
    })();
    for (let round = 0; round < ROUNDS; round++) {
      const rooms = Array.from({ length: 5 }, (_, index) => `race-${round % 4}-${index}`);
      await Promise.all(rooms.map((room) => join(at.ada, room)));
      const members = await run<{ name: string }>(
        sql`select r.name from members m join rooms r on r.id = m.room_id
          where m.user_id = ${at.ada}::bigint and m.state = 'in' and r.name like ${`race-${round % 4}-%`}::text`,
      );
      expect(members.map(({ name }) => name).sort()).toEqual(rooms);
      await Promise.all(rooms.map((room) => at.members.leave({ userId: at.ada, room })));
    }
    done = true;
    await removing;
    expect(await orphans()).toEqual([]);
  });

  test("ended sessions, links and keys are removed a month later, and live ones stay", async () => {
    const session = (name: string, expires: string, revoked: string | null) =>
      run(sql`insert into sessions (id, user_id, expires_at, revoked_at, user_agent) values (gen_random_uuid(), ${at.ada}::bigint,
        now() + ${expires}::text::interval, now() + ${revoked}::text::interval, ${name}::text)`);
    await session("live", "1 day", null);
    await session("just expired", "-29 days", null);
    await session("expired", "-31 days", null);
    await session("just revoked", "1 day", "-29 days");
    await session("revoked", "1 day", "-31 days");
    expect(await removeEndedSessions(at.database, null)).toBeNull();
    const agents = await run<{ name: string }>(sql`select user_agent as name from sessions order by 1`);
    expect(agents.map(({ name }) => name)).toEqual(["just expired", "just revoked", "live"]);

    const link = (hash: string, expires: string, used: string | null) =>
      run(sql`insert into registration_links (hash, expires_at, used_at) values (${hash}::text,
        now() + ${expires}::text::interval, now() + ${used}::text::interval)`);
    await link("open", "1 day", null);
    await link("expired", "-31 days", null);
    await link("used", "1 day", "-31 days");
    await link("just used", "1 day", "-1 day");
    await removeOldLinks(at.database);
    const links = await run<{ hash: string }>(sql`select hash from registration_links order by 1`);
    expect(links.map(({ hash }) => hash)).toEqual(["just used", "open"]);

    const key = (kid: string, retired: string | null, revoked: string | null = null) =>
      run(sql`insert into keys (kid, kind, key, retired_at, revoked_at) values (${kid}::text, 'refresh', 'x',
        now() + ${retired}::text::interval, now() + ${revoked}::text::interval)`);
    await key("current", null);
    await key("retired", "-59 days");
    await key("old", "-61 days");
    // A server that was restarted 60 days after its JWT_PRIVATE_KEY was revoked signed with the stolen key again.
    await key("stolen", "-900 days", "-900 days");
    await removeOldKeys(at.database, 60 * DAY);
    const keys = await run<{ kid: string }>(sql`select kid from keys order by 1`);
    expect(keys.map(({ kid }) => kid)).toEqual(["current", "retired", "stolen"]);
  });
});
