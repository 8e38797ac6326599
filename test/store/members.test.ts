import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { readTo } from "../../src/chat/ports.ts";
import { sql } from "drizzle-orm";
import type { RoomSummary } from "../../src/chat/lists.ts";
import type { Seat } from "../../src/chat/ports.ts";
import { readAudit } from "../../src/db/audit.ts";
import { rows } from "../../src/db/database.ts";
import { START_MS } from "../support/house.ts";
import { onEachDriver, post, setBan, type Stocked, stock } from "../chat/stocked.ts";
import { named } from "../support/stubs.ts";

// Memberships, read marks, departures and bans, on each driver.

const ORDER = { via: "http", actor: "ADMIN_TOKEN", address: "192.0.2.1", reason: "spam" } as const;

onEachDriver((open) => {
  let at: Stocked;
  let second: Awaited<ReturnType<Stocked["another"]>>;
  let room: string;
  let other: string;

  beforeAll(async () => {
    at = await stock(open);
    second = await at.another();
  }, START_MS);
  afterAll(async () => {
    await second.close();
    await at.database.close();
  });
  beforeEach(() => {
    [room, other] = [`a-${crypto.randomUUID()}`, `b-${crypto.randomUUID()}`];
  });

  const seat = (userId: number, name = room) => ({ userId, room: name });
  const join = async (userId: number, name = room) => (await at.members.join([seat(userId, name)]))[0];
  const mark = async (userId: number, id: number, name = room) =>
    (await at.members.mark([{ ...seat(userId, name), ...readTo(id) }]))[0];
  const say = async (senderId: number, ...contents: string[]) => {
    const posts = contents.map((content) => post(senderId, room, content));
    await at.store.commit(0, posts, false);
    return posts;
  };
  /** The person's rooms among those of the test. */
  const mine = async (userId: number): Promise<readonly RoomSummary[]> =>
    (await at.lists.rooms(userId, { scope: "mine", patterns: [room, other], after: "", limit: 10 })).rooms;
  const namesOf = async (userId: number) => (await mine(userId)).map((summary) => summary.room);
  const departuresOf = async (...userIds: number[]) =>
    (await at.members.departures(userIds)).map((found) =>
      Object.fromEntries([...found].filter(([name]) => name === room || name === other)),
    );

  test("rooms that look alike are found, however many rooms nobody has looked at yet", async () => {
    await at.database.run((orm) =>
      orm.execute(
        sql`insert into rooms (name, version, last_post) select ${room} || n, 1, 1 from generate_series(1, 450) n`,
      ),
    );
    const alike = async (like: string) =>
      (await at.lists.rooms(at.ada, { scope: "all", like, patterns: null, after: "", limit: 10 })).rooms;
    const found = await alike(`${room}449`.toUpperCase().replaceAll("0", "O"));
    expect(found.map((summary) => summary.room)).toEqual([`${room}449`]);
    const bare = await at.database.run((orm) => rows(orm, sql`select id from rooms where skeleton is null`));
    expect(bare).toEqual([]);
    await say(at.ada, "hello"); // A room that came later.
    expect((await alike(room)).map((summary) => summary.room)).toEqual([room]);
  });

  test("a join creates the rooms that do not exist yet, and the list has them", async () => {
    const seats = [seat(at.ada, other), seat(at.ada), seat(at.ben), seat(at.ada)]; // one of them twice
    const joined = { lastRead: 0, unread: 0 };
    expect(await at.members.join(seats)).toEqual([
      { ...joined, created: true },
      { ...joined, created: true },
      joined,
      joined,
    ]);
    expect(await at.store.counters([room, other])).toMatchObject({
      versions: new Map([
        [room, 0],
        [other, 0],
      ]),
    });
    expect(await mine(at.ada)).toMatchObject([
      { room, last: null, lastRead: 0, unread: 0 },
      { room: other, last: null, lastRead: 0, unread: 0 },
    ]);
    expect(await namesOf(at.ben)).toEqual([room]);
    expect(await at.members.join([])).toEqual([]);
  });

  test("messages from before the join are not unread; later ones of others are, unless they are deleted", async () => {
    await say(at.ben, "before");
    expect(await join(at.ada)).toEqual({ lastRead: 1, unread: 0 });
    await say(at.ben, "two", "three", "four");
    await say(at.ada, "five");
    const change = { kind: "delete", room, senderId: at.ben, ...named("ben"), fence: 0, id: 3 } as const;
    await at.store.commit(0, [{ ...change, clientId: crypto.randomUUID() }], false);
    expect(await join(at.ada)).toEqual({ lastRead: 1, unread: 2 });
    expect(await mine(at.ada)).toMatchObject([{ lastRead: 1, unread: 2 }]);
    await mark(at.ada, 2);
    expect(await join(at.ada)).toEqual({ lastRead: 2, unread: 1 });
  });

  test("anyone who may not create rooms joins those that exist", async () => {
    const seats = [seat(at.ada), seat(at.ben), seat(at.ada, other)];
    await at.members.join([seat(at.ben, other)]);
    expect(await at.members.join(seats.map((one) => ({ ...one, mayCreate: false })))).toEqual([
      null,
      null,
      { lastRead: 0, unread: 0 },
    ]);
    expect(await namesOf(at.ada)).toEqual([other]);
    // In one batch, somebody else may create the room.
    expect(await at.members.join([{ ...seat(at.ada), mayCreate: false }, seat(at.ben)])).toEqual([
      { lastRead: 0, unread: 0 },
      { lastRead: 0, unread: 0, created: true },
    ]);
  });

  test("joins of new rooms by two processes at once all succeed", async () => {
    const names = Array.from({ length: 20 }, (_, index) => `${room}-${index}`);
    const seats = (userId: number) => names.map((name) => seat(userId, name));
    const results = await Promise.all([
      at.members.join(seats(at.ada)),
      second.members.join(seats(at.ben).toReversed()),
      second.members.join(seats(at.ada).toReversed()),
      at.members.join(seats(at.ben)),
    ]);
    expect(results.flat()).toMatchObject(Array(80).fill({ lastRead: 0, unread: 0 }));
    // Each of the rooms has one creator.
    expect(results.flat().filter((joined) => joined && "created" in joined)).toHaveLength(20);
    for (const userId of [at.ada, at.ben])
      expect(
        (await at.lists.rooms(userId, { scope: "mine", patterns: [`${room}-*`], after: "", limit: 50 }))
          .rooms,
      ).toHaveLength(20);
  });

  test("a page of a list ends before its texts exceed half a megabyte, and says that there is more", async () => {
    const count = 50;
    await at.database.run((orm) =>
      rows(
        orm,
        sql`with made as (
            insert into rooms (name, version, last_post)
            select 'z-' || ${room}::text || '-' || lpad(n::text, 2, '0'), 1, 1 from generate_series(1, ${count}::int) n returning id
          )
          insert into messages (room_id, id, version, sender_id, client_id, content, created_at)
          select id, 1, 1, ${at.ben}::bigint, gen_random_uuid(), repeat('x', 16000), now() from made`,
      ),
    );
    const pages: string[][] = [];
    for (let after = "", more = true; more;) {
      const page = await at.lists.rooms(at.ada, {
        scope: "all",
        patterns: [`z-${room}-*`],
        after,
        limit: 200,
      });
      pages.push(page.rooms.map((summary) => summary.room));
      after = page.rooms.at(-1)?.room ?? "";
      more = page.more;
    }
    expect(pages.map(({ length }) => length)).toEqual([31, 19]);
    expect(pages.flat()).toEqual(
      Array.from({ length: count }, (_, index) => `z-${room}-${String(index + 1).padStart(2, "0")}`),
    );
  });

  test.each(["commits", "rolls back"])(
    "a join of a room that another transaction is creating succeeds after that %s",
    async (end) => {
      if (at.database.driver === "pglite") return; // it has one connection, which runs one transaction at a time
      const created = Promise.withResolvers<void>();
      const finish = Promise.withResolvers<void>();
      const rolledBack = new Error("rolled back");
      const creating = at.database.run((orm) =>
        orm.transaction(async (tx) => {
          await rows(tx, sql`insert into rooms (name, version) values (${room}::text, 7)`);
          created.resolve();
          await finish.promise;
          if (end === "rolls back") throw rolledBack;
        }),
      );
      await created.promise;
      const joining = second.members.join([seat(at.ada), seat(at.ada, other)]);
      await Bun.sleep(100);
      finish.resolve();
      await creating.catch((error: unknown) => expect(error).toBe(rolledBack));
      expect(await joining).toEqual([
        end === "commits" ? { lastRead: 7, unread: 0 } : { lastRead: 0, unread: 0, created: true },
        { lastRead: 0, unread: 0, created: true },
      ]);
      expect(await namesOf(at.ada)).toEqual([room, other]);
    },
  );

  test("a read mark never goes back and never past the end of the room", async () => {
    await join(at.ada);
    await say(at.ben, "one", "two", "three");
    expect(await mark(at.ada, 2)).toEqual({ lastRead: 2, moved: true });
    expect(await mark(at.ada, 2)).toEqual({ lastRead: 2, moved: false });
    expect(await mark(at.ada, 1)).toEqual({ lastRead: 2, moved: false });
    expect(await mark(at.ada, 999)).toEqual({ lastRead: 3, moved: true });
    expect(await mark(at.ada, 999)).toEqual({ lastRead: 3, moved: false });
    expect(await mine(at.ada)).toMatchObject([{ lastRead: 3, unread: 0 }]);
  });

  // All joins of a node share a statement. A row that someone held delayed everyone's.
  test("people whose rows another transaction holds are told to come back, and nobody waits with them", async () => {
    if (at.database.driver === "pglite") return; // it has one connection, so nobody else can hold a row
    await say(at.ben, "one");
    const release = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    const holder = at.database.run((orm) =>
      orm.transaction(async (tx) => {
        await rows(
          tx,
          sql`insert into members (user_id, room_id) select ${at.ada}::bigint, id from rooms where name = ${room}`,
        );
        await rows(
          tx,
          sql`insert into own (user_id, room_id) select ${at.ada}::bigint, id from rooms where name = ${room}`,
        );
        held.resolve();
        await release.promise;
      }),
    );
    await held.promise;
    const busy = expect.objectContaining({ code: "busy" });
    expect(await second.members.join([seat(at.ada), seat(at.ada, other), seat(at.ben)])).toEqual([
      busy,
      { lastRead: 0, unread: 0, created: true },
      { lastRead: 1, unread: 0 },
    ]);
    expect(
      await second.members.mark([
        { ...seat(at.ada), ...readTo(1) },
        { ...seat(999_999), ...readTo(1) },
      ]),
    ).toEqual([busy, { lastRead: 1, moved: true }]);
    release.resolve();
    await holder;
    expect(await second.members.join([seat(at.ada)])).toMatchObject([{ unread: 1 }]);
  });

  test("a read mark is never below the version at which its person joined", async () => {
    await say(at.ben, "one", "two", "three");
    await join(at.ada);
    expect(await mark(at.ada, 2)).toEqual({ lastRead: 3, moved: false });
    await say(at.ben, "four");
    expect(await mark(at.ada, 4)).toEqual({ lastRead: 4, moved: true });
  });

  test("a mark moves back on purpose, even to before its person joined, and forward again; leaving forgets it", async () => {
    await say(at.ben, "one", "two", "three", "four");
    await join(at.ada);
    const move = async (min: number, max = Number.MAX_SAFE_INTEGER) =>
      (await at.members.mark([{ ...seat(at.ada), min, max }]))[0];
    expect(await move(0, 1)).toEqual({ lastRead: 1, moved: true, back: true });
    expect(await move(0, 2)).toEqual({ lastRead: 1, moved: false });
    expect(await join(at.ada)).toEqual({ lastRead: 1, unread: 3 });
    expect(await mine(at.ada)).toMatchObject([{ lastRead: 1, unread: 3 }]);
    expect(await move(2)).toEqual({ lastRead: 2, moved: true });
    expect(await mine(at.ada)).toMatchObject([{ lastRead: 2, unread: 2 }]);
    expect(await move(3, 3)).toEqual({ lastRead: 3, moved: true });
    expect(await move(4)).toEqual({ lastRead: 4, moved: true });
    expect(await mine(at.ada)).toMatchObject([{ lastRead: 4, unread: 0 }]);

    expect(await move(0, 1)).toEqual({ lastRead: 1, moved: true, back: true });
    await at.members.leave(seat(at.ada));
    await say(at.ben, "five");
    expect(await join(at.ada)).toEqual({ lastRead: 5, unread: 0 });
    expect(await mine(at.ada)).toMatchObject([{ lastRead: 5, unread: 0 }]);
  });

  test("marks of many seats keep their order, and make nobody a member", async () => {
    await join(at.ada);
    await say(at.ben, "one", "two");
    const marked = await at.members.mark([
      { ...seat(at.ben), ...readTo(1) },
      { ...seat(at.ada, other), ...readTo(1) }, // no such room
      { ...seat(at.ada), ...readTo(2) },
      { userId: 999_999, room, ...readTo(1) },
    ]);
    expect(marked).toEqual([
      { lastRead: 2, moved: false },
      { lastRead: 0, moved: false },
      { lastRead: 2, moved: true },
      { lastRead: 1, moved: true },
    ]);
    expect(await namesOf(999_999)).toEqual([]);
    expect(await namesOf(at.ada)).toEqual([room]);
    expect(await at.lists.room(seat(999_999))).toMatchObject({ lastRead: null, unread: 0 });
  });

  test("anyone who leaves has left; leaving again or a room that one is not in does nothing", async () => {
    await at.members.join([seat(at.ada), seat(at.ada, other)]);
    await at.members.leave(seat(at.ada));
    expect(await namesOf(at.ada)).toEqual([other]);
    expect(await departuresOf(at.ada)).toEqual([{ [room]: "left" }]);
    await at.members.leave(seat(at.ada));
    await at.members.leave(seat(at.ben));
    await at.members.leave(seat(at.ben, "no-such-room"));
    expect(await departuresOf(at.ben, at.ada)).toEqual([{}, { [room]: "left" }]);
  });

  test("joining again makes a member again, and only later messages are unread", async () => {
    await join(at.ada);
    await say(at.ben, "one");
    await at.members.leave(seat(at.ada));
    expect(await at.lists.room(seat(at.ada))).toMatchObject({ lastRead: null, unread: 0 });
    await say(at.ben, "two");
    expect(await join(at.ada)).toEqual({ lastRead: 2, unread: 0 });
    expect(await departuresOf(at.ada)).toEqual([{}]);
    await say(at.ben, "three");
    expect(await mine(at.ada)).toMatchObject([{ room, lastRead: 2, unread: 1 }]);
  });

  test.each([
    ["fast", false],
    ["careful", true],
  ])("a post on the %s path makes its sender a member, again after leaving", async (_, careful) => {
    await say(at.ben, "one");
    await at.store.commit(0, [post(at.ada, room, "two")], careful);
    expect(await mine(at.ada)).toMatchObject([{ room, lastRead: 2, unread: 0 }]);
    await at.members.leave(seat(at.ada));
    await say(at.ben, "three");
    expect(await namesOf(at.ada)).toEqual([]);
    await at.store.commit(0, [post(at.ada, room, "four")], careful);
    expect(await mine(at.ada)).toMatchObject([{ room, lastRead: 4, unread: 0 }]);
    expect(await departuresOf(at.ada)).toEqual([{}]);
    // A member stays one since the same version.
    await say(at.ben, "five");
    await at.store.commit(0, [post(at.ada, room, "six")], careful);
    expect(await mine(at.ada)).toMatchObject([{ room, lastRead: 4, unread: 1 }]);
  });

  test.each([
    ["fast", false],
    ["careful", true],
  ])(
    "what others post in the same batch after it is unread for the new member: %s path",
    async (_, careful) => {
      const batch = [post(at.ada, room, "one"), post(at.ben, room, "two"), post(at.ben, room, "three")];
      await at.store.commit(0, batch, careful);
      expect(await mine(at.ada)).toMatchObject([{ lastRead: 1, unread: 2 }]);
      expect(await mine(at.ben)).toMatchObject([{ lastRead: 3, unread: 0 }]);
    },
  );

  test("a repeated post does not make anyone who left a member again, nor does a change of a message", async () => {
    const [first] = await say(at.ada, "one");
    await at.members.leave(seat(at.ada));
    if (!first) throw new Error("nothing was posted");
    // The room has a departure that this store does not know of, so the post takes the careful path by itself.
    expect(await at.store.commit(0, [first], false)).toMatchObject({
      outcomes: [{ ack: { id: 1, duplicate: true } }],
    });
    const edit = {
      kind: "edit",
      room,
      senderId: at.ada,
      ...named("ada"),
      fence: 0,
      id: 1,
      content: "two",
    } as const;
    await at.store.commit(0, [first, { ...edit, clientId: crypto.randomUUID() }], true);
    expect(await namesOf(at.ada)).toEqual([]);
    expect(await departuresOf(at.ada)).toEqual([{ [room]: "left" }]);
  });

  test("departures name the rooms that people are banned from or left; a ban wins", async () => {
    await at.members.join([seat(at.ada), seat(at.ada, other), seat(at.ben)]);
    await at.members.leave(seat(at.ada));
    await setBan(at.store, "banned", seat(at.ada, other));
    expect(await departuresOf(at.ben, at.ada, at.ben)).toEqual([
      {},
      { [room]: "left", [other]: "banned" },
      {},
    ]);
    await setBan(at.store, "banned", seat(at.ada));
    expect(await departuresOf(at.ada)).toEqual([{ [room]: "banned", [other]: "banned" }]);
    await setBan(at.store, "unbanned", seat(at.ada));
    expect(await departuresOf(at.ada)).toEqual([{ [room]: "left", [other]: "banned" }]);
    expect(await at.members.departures([])).toEqual([]);
  });

  test("anyone who left more than ten minutes ago has not just left", async () => {
    await at.members.join([seat(at.ada), seat(at.ada, other)]);
    for (const name of [room, other]) await at.members.leave(seat(at.ada, name));
    await at.database.run((orm) =>
      rows(
        orm,
        sql`update members set since = since - interval '11 minutes'
          where room_id = (select id from rooms where name = ${room}::text)`,
      ),
    );
    expect(await departuresOf(at.ada)).toEqual([{ [other]: "left" }]);
  });

  test("a ban hides the room from its person's lists, and lifting it makes them no member", async () => {
    await join(at.ada);
    await say(at.ben, "one", "two");
    await mark(at.ada, 1);
    await setBan(at.store, "banned", seat(at.ada));
    expect(await namesOf(at.ada)).toEqual([]);
    const all = { scope: "all", patterns: null, after: room.slice(0, -1), limit: 200 } as const;
    expect((await at.lists.rooms(at.ada, all)).rooms).not.toContainEqual(expect.objectContaining({ room }));
    expect((await at.lists.rooms(at.ben, all)).rooms).toContainEqual(expect.objectContaining({ room }));
    await setBan(at.store, "unbanned", seat(at.ada));
    expect(await namesOf(at.ada)).toEqual([]);
    await join(at.ada);
    expect(await mine(at.ada)).toMatchObject([{ room, lastRead: 4, unread: 0 }]);
  });

  test("a ban may come before its room; neither it nor its end makes a member", async () => {
    await setBan(at.store, "banned", seat(at.ada));
    expect(await departuresOf(at.ada)).toEqual([{ [room]: "banned" }]);
    expect(await namesOf(at.ada)).toEqual([]);
    await say(at.ben, "one");
    await setBan(at.store, "unbanned", seat(at.ada));
    expect(await departuresOf(at.ada)).toEqual([{}]);
    expect(await namesOf(at.ada)).toEqual([]);
    expect(await at.lists.room(seat(at.ada))).toMatchObject({ lastRead: null, unread: 0 });
  });

  test("the audit has each ban and each end of one once, however often it is ordered", async () => {
    for (let times = 0; times < 2; times++) await setBan(at.store, "banned", seat(at.ada), ORDER);
    const lift = { ...ORDER, via: "cli", actor: "root", address: "here", reason: "sorry" } as const;
    for (let times = 0; times < 2; times++) await setBan(at.store, "unbanned", seat(at.ada), lift);
    const nowhere = setBan(at.store, "unbanned", seat(at.ada, other), lift);
    expect(await nowhere.catch(String)).toContain("not_found");
    const entries = (await readAudit(at.database, undefined, 100)).filter((entry) => entry.room === room);
    expect(entries).toMatchObject([
      { action: "user.unban", ...lift, username: "ada" },
      { action: "user.ban", ...ORDER, username: "ada" },
    ]);
    expect((await at.store.counters([other])).versions.get(other)).toBe(0);
  });

  test("joins, leaves, marks, posts and bans by two processes at once never deadlock", async () => {
    const names = Array.from({ length: 6 }, (_, index) => `${room}-${index}`);
    const people = [at.ada, at.ben];
    const written = new Map(names.map((name) => [name, 0]));
    const work = async ({ store, members }: Pick<Stocked, "store" | "members">, from: number) => {
      for (let round = from; round < 40; round += 2) {
        const rotated = [...names.slice(round % 6), ...names.slice(0, round % 6)];
        const seats = rotated.flatMap((name) => people.map((userId) => seat(userId, name)));
        await Promise.all([
          members.join(seats),
          members.mark(seats.map((each) => ({ ...each, ...readTo(round) }))),
          store
            .commit(
              round % store.lanes,
              seats.map(({ userId, room: name }) => post(userId, name, `round ${round}`)),
              round % 3 === 0,
            )
            .then(({ outcomes }) =>
              outcomes.forEach((outcome, index) => {
                const { userId, room: name } = seats[index] as Seat;
                if (outcome && "ack" in outcome) written.set(name, (written.get(name) ?? 0) + 1);
                else expect([userId, outcome]).toEqual([at.ben, { refused: "forbidden" }]); // he is banned
              }),
            ),
          ...rotated.slice(0, 2).map((name) => members.leave(seat(at.ada, name))),
          ...(["banned", "unbanned"] as const).map(async (set, index) => {
            const name = rotated[index] as string;
            if (await setBan(store, set, seat(at.ben, name))) written.set(name, (written.get(name) ?? 0) + 1);
          }),
        ]);
      }
    };
    await Promise.all([work(at, 0), work(second, 1)]);
    expect((await at.store.counters(names)).versions).toEqual(written);
  }, 60_000);
});
