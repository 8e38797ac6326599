import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import { createLocalBus } from "../../src/bus/local.ts";
import { createStanding, type Logins } from "../../src/auth/standing.ts";
import type { Login } from "../../src/identity.ts";
import type { Pool } from "../../src/db/database.ts";
import { sessions, users } from "../../src/db/schema.ts";
import { freshDatabase, type TestDatabase } from "../support/database.ts";
import { codeOf, type StoppedClock, stoppedClock } from "./node.ts";

let database: TestDatabase;
let ids: number[];
let queries: number;
let broken: boolean;
let standing: Logins;
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

const outsider = (index: number): Login => ({ userId: ids[index] ?? 0, sessionId: null });
const disable = (index: number, disabledAt: Date | null) =>
  database.run((orm) =>
    orm
      .update(users)
      .set({ disabledAt })
      .where(eq(users.id, ids[index] ?? 0)),
  );

async function session(index: number): Promise<Login & { sessionId: string }> {
  const id = crypto.randomUUID();
  const userId = ids[index] ?? 0;
  await database.run((orm) =>
    orm.insert(sessions).values({ id, userId, expiresAt: new Date(Date.now() + 60_000) }),
  );
  return { userId, sessionId: id };
}

test("all checks of one tick are one query, which has each login once", async () => {
  const logins = ids.flatMap((_, index) => [outsider(index), outsider(index)]);
  await Promise.all(logins.map((login) => standing.check(login)));
  expect(queries).toBe(1);
});

test("a status is cached for 5 s", async () => {
  await standing.check(outsider(0));
  clock.pass(4999);
  await standing.check(outsider(0));
  expect(queries).toBe(1);
  clock.pass(1);
  await standing.check(outsider(0));
  expect(queries).toBe(2);
});

test("ask bypasses the cache, with one query and results in order", async () => {
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
  const logins = [
    alive,
    revoked,
    expired,
    { ...alive, userId: ids[3] ?? 0 }, // someone else's session
    { userId: alive.userId, sessionId: crypto.randomUUID() },
    outsider(2),
    { userId: 999_999, sessionId: null },
    outsider(1),
  ];
  expect(await standing.ask(logins)).toEqual([
    "alive",
    "session_ended",
    "session_ended",
    "session_ended",
    "session_ended",
    "account_disabled",
    "account_disabled",
    "alive",
  ]);
  expect(queries).toBe(1);
  await disable(2, null);
  expect(await standing.ask([])).toEqual([]);
});

test("an end on this node counts at once and notifies listeners; forget only drops the cache", async () => {
  const login = await session(4);
  const notified: unknown[] = [];
  const stop = standing.onEnded((ended) => notified.push(ended));
  const ended = { userId: login.userId, sessionIds: [login.sessionId], reason: "session_ended" } as const;
  const revoke = (revokedAt: Date | null) =>
    database.run((orm) => orm.update(sessions).set({ revokedAt }).where(eq(sessions.id, login.sessionId)));

  await standing.check(login);
  await revoke(new Date());
  standing.end(ended);
  expect(await codeOf(standing.check(login))).toBe("session_ended");
  expect(notified).toEqual([ended]);

  await revoke(null);
  standing.forget({ ...ended, sessionIds: null });
  await standing.check(login);
  expect(notified).toHaveLength(1);
  stop();
  standing.end(ended);
  expect(notified).toHaveLength(1);
});

test("the results of ask are cached", async () => {
  await standing.ask([outsider(10), outsider(11)]);
  await standing.check(outsider(11));
  expect(queries).toBe(1);
});

test("a status that was being read when access ended is not cached", async () => {
  const login = outsider(5);
  const first = standing.check(login);
  await new Promise((resolve) => setImmediate(resolve)); // the query is in flight
  standing.forget({ userId: login.userId, sessionIds: null });
  await first;
  await standing.check(login);
  expect(queries).toBe(2);
});

test("while the database is away, cached statuses count and others are unavailable", async () => {
  await standing.check(outsider(6));
  broken = true;
  await standing.check(outsider(6));
  const refusal = await standing.check(outsider(7)).catch((error) => error);
  expect(refusal.code).toBe("unavailable");
  expect(refusal.more.retryAfterMs).toBeGreaterThan(0);
  broken = false;
  await standing.check(outsider(7));
});
