import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { createLocalBus } from "../../src/bus/local.ts";
import { createStanding, type Standing } from "../../src/auth/standing.ts";
import type { Who } from "../../src/auth/status.ts";
import type { Pool } from "../../src/db/database.ts";
import { members, rooms, sessions, users } from "../../src/db/schema.ts";
import { freshDatabase, type TestDatabase } from "../support/database.ts";
import { codeOf, type StoppedClock, stoppedClock } from "./node.ts";

let database: TestDatabase;
let ids: number[];
let queries: number;
let broken: boolean;
let standing: Standing;
let clock: StoppedClock;

const pool: Pool = {
  async run(work) {
    queries++;
    if (broken) throw new Error("the database is away");
    return database.run(work);
  },
  close: async () => {},
};

beforeAll(async () => {
  database = await freshDatabase();
  const names = Array.from({ length: 20 }, (_, index) => ({
    username: `u${index}`,
    usernameFold: `u${index}`,
  }));
  ids = (await database.run((orm) => orm.insert(users).values(names).returning())).map(({ id }) => id);
});
afterAll(() => database.close());
beforeEach(() => {
  [queries, broken, clock] = [0, false, stoppedClock()];
  standing = createStanding({ pool, clock, bus: createLocalBus() });
});

const outsider = (index: number): Who => ({ userId: ids[index] ?? 0, sessionId: null });
const disable = (index: number, disabledAt: Date | null) =>
  database.run((orm) =>
    orm
      .update(users)
      .set({ disabledAt })
      .where(eq(users.id, ids[index] ?? 0)),
  );

async function session(index: number): Promise<Who & { sessionId: string }> {
  const id = crypto.randomUUID();
  const userId = ids[index] ?? 0;
  await database.run((orm) =>
    orm.insert(sessions).values({ id, userId, expiresAt: new Date(Date.now() + 60_000) }),
  );
  return { userId, sessionId: id };
}

test("all that is asked in one tick is one query, and the same question is asked once", async () => {
  const asked = ids.flatMap((_, index) => [outsider(index), outsider(index)]);
  await Promise.all(asked.map((who) => standing.check(who)));
  expect(queries).toBe(1);
});

test("an answer is believed for 5 s", async () => {
  await standing.check(outsider(0));
  clock.pass(4999);
  await standing.check(outsider(0));
  expect(queries).toBe(1);
  clock.pass(1);
  await standing.check(outsider(0));
  expect(queries).toBe(2);
});

test("what is asked past the cache is answered for each, in order, in one query", async () => {
  const alive = await session(1);
  const revoked = await session(1);
  const expired = await session(1);
  await database.run((orm) =>
    orm.update(sessions).set({ revokedAt: new Date() }).where(eq(sessions.id, revoked.sessionId)),
  );
  await database.run((orm) =>
    orm
      .update(sessions)
      .set({ expiresAt: new Date(0) })
      .where(eq(sessions.id, expired.sessionId)),
  );
  await disable(2, new Date());
  const asked = [
    alive,
    revoked,
    expired,
    { ...alive, userId: ids[3] ?? 0 }, // another's session
    { userId: alive.userId, sessionId: crypto.randomUUID() },
    outsider(2),
    { userId: 999_999, sessionId: null },
    outsider(1),
  ];
  expect((await standing.ask(asked)).map(({ reason }) => reason)).toEqual([
    null,
    "session_ended",
    "session_ended",
    "session_ended",
    "session_ended",
    "account_disabled",
    "account_disabled",
    null,
  ]);
  expect(queries).toBe(1);
  await disable(2, null);
  expect(await standing.ask([])).toEqual([]);
});

test("what ends here is known here at once, and told; word from elsewhere counts the same and is not told on", async () => {
  const who = await session(4);
  const heard: unknown[] = [];
  const silence = standing.onEnded((ended) => heard.push(ended));
  const ended = { userId: who.userId, sessionIds: [who.sessionId], reason: "session_ended" } as const;
  const revoke = (revokedAt: Date | null) =>
    database.run((orm) => orm.update(sessions).set({ revokedAt }).where(eq(sessions.id, who.sessionId)));

  await standing.check(who);
  await revoke(new Date());
  standing.end(ended);
  expect(await codeOf(standing.check(who))).toBe("session_ended");
  expect(heard).toEqual([ended]);

  await revoke(null);
  standing.forget({ ...ended, sessionIds: null });
  await standing.check(who);
  expect(heard).toHaveLength(1);
  silence();
  standing.end(ended);
  expect(heard).toHaveLength(1);
});

test("where someone is banned comes with the same answer, and is forgotten when it changes here", async () => {
  const who = outsider(8);
  const names = [{ name: "lobby" }, { name: "garden" }, { name: "attic" }];
  const made = await database.run((orm) => orm.insert(rooms).values(names).returning());
  const ban = (bannedAt: Date | null) =>
    database.run((orm) =>
      orm
        .insert(members)
        .values(
          made.map(({ id, name }) => ({ ...who, roomId: id, bannedAt: name === "attic" ? null : bannedAt })),
        )
        .onConflictDoUpdate({ target: [members.userId, members.roomId], set: { bannedAt } }),
    );
  const heard: number[] = [];
  const silence = standing.onBansChanged(async (userId) => void heard.push(userId));

  await ban(new Date());
  expect(await standing.check(who)).toEqual(new Set(["lobby", "garden"]));
  expect((await standing.check(outsider(9))).size).toBe(0);
  expect((await standing.ask([outsider(9), who])).map(({ banned }) => banned.size)).toEqual([0, 2]);

  await ban(null);
  expect((await standing.check(who)).size).toBe(2); // believed
  await standing.bansChanged(who.userId);
  expect((await standing.check(who)).size).toBe(0);
  expect(heard).toEqual([who.userId]);
  silence();
  await standing.bansChanged(who.userId);
  expect(heard).toHaveLength(1);
});

test("what was asked past the cache is known from then on", async () => {
  await standing.ask([outsider(10), outsider(11)]);
  await standing.check(outsider(11));
  expect(queries).toBe(1);
});

test("an answer that was on its way when access ended is not remembered", async () => {
  const who = outsider(5);
  const first = standing.check(who);
  await new Promise((resolve) => setImmediate(resolve)); // the query is out
  standing.forget({ userId: who.userId, sessionIds: null });
  await first;
  await standing.check(who);
  expect(queries).toBe(2);
});

test("while the database is away, what is not known is unavailable, what is known counts, and it recovers", async () => {
  await standing.check(outsider(6));
  broken = true;
  await standing.check(outsider(6));
  const refusal = await standing.check(outsider(7)).catch((error) => error);
  expect(refusal.code).toBe("unavailable");
  expect(refusal.more.retryAfterMs).toBeGreaterThan(0);
  broken = false;
  await standing.check(outsider(7));
});
