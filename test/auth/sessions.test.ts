import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { eq, type SQL, sql } from "drizzle-orm";
import type { SignedIn } from "../../src/auth/accounts.ts";
import type { Auth } from "../../src/auth/auth.ts";
import { insertSession } from "../../src/auth/sessionstore.ts";
import { rows } from "../../src/db/database.ts";
import { sessions, users } from "../../src/db/schema.ts";
import type { Ended } from "../../src/identity.ts";
import { freshDatabase, postgresDatabase, type TestDatabase } from "../support/database.ts";
import { explained } from "../support/explain.ts";
import { needs } from "../support/needs.ts";
import { codeOf, HERE, PASSWORD, startNode } from "./node.ts";

describe("on the embedded database", () => suite(freshDatabase));
needs("TEST_DATABASE_URL")("on Postgres", () => {
  suite(postgresDatabase);

  test("a login that waits for a concurrent password change gets no session for the old password", async () => {
    const database = await postgresDatabase();
    const { auth } = await startNode(database);
    const account = { email: "ada@example.com", password: PASSWORD };
    await auth.accounts.register(account, HERE);
    const [user] = await database.run((orm) =>
      orm.select().from(users).where(eq(users.email, account.email)),
    );
    const opened = await database.run((orm) =>
      orm.transaction(async (tx) => {
        await tx.update(users).set({ passwordHash: "another" });
        const opening = auth.sessions.open(user!, HERE);
        const waits = sql`select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`;
        while ((await database.run((orm) => rows(orm, waits))).length === 0);
        return { opening };
      }),
    );
    expect(await opened.opening).toBeUndefined();
    auth.stop();
    await database.close();
  });
});

function suite(open: () => Promise<TestDatabase>) {
  let database: TestDatabase;
  let auth: Auth;
  let other: Auth;
  let signedIn: SignedIn;
  let sessionId: string;
  let people = 0;

  beforeAll(async () => {
    database = await open();
    // Two nodes that share nothing but the database.
    [{ auth }, { auth: other }] = await Promise.all([
      startNode(database, { LOGIN_RATE: 0 }),
      startNode(database, { LOGIN_RATE: 0 }),
    ]);
  });
  afterAll(async () => {
    auth.stop();
    other.stop();
    await database.close();
  });
  beforeEach(async () => {
    signedIn = await auth.accounts.register(
      { email: `person${++people}@example.com`, password: PASSWORD },
      HERE,
    );
    sessionId = (await auth.authenticate(signedIn.access)).sessionId ?? "";
  });

  const refresh = (token: string, node = auth) => node.sessions.refresh(token, HERE);
  const set = (values: Record<string, unknown>) =>
    database.run((orm) => orm.update(sessions).set(values).where(eq(sessions.id, sessionId)));
  /** Makes the last rotation look older than the grace period of 60 s. */
  const forgetGrace = () => set({ rotatedAt: sql`clock_timestamp() - interval '61 seconds'` });
  const me = () => auth.authenticate(signedIn.access);

  test("a refresh returns a new pair, and both tokens work", async () => {
    const next = await refresh(signedIn.refresh);
    expect(next.refresh).not.toBe(signedIn.refresh);
    expect((await auth.authenticate(next.access)).sessionId).toBe(sessionId);
    const third = await refresh(next.refresh);
    expect(third.refresh).not.toBe(next.refresh);
  });

  test("a refresh extends the session", async () => {
    await set({ expiresAt: sql`clock_timestamp() + interval '1 minute'` });
    await refresh(signedIn.refresh);
    const [session] = await auth.sessions.list(await me());
    expect(Date.parse(session?.expiresAt ?? "") - Date.now()).toBeGreaterThan(29 * 86_400_000);
  });

  test("a session never lasts longer than SESSION_MAX_AGE, however often it is refreshed", async () => {
    const day = 86_400_000;
    const strict = await startNode(database, { SESSION_MAX_AGE: 2 * day });
    await set({ createdAt: sql`clock_timestamp() - interval '47 hours'` });
    const next = await refresh(signedIn.refresh, strict.auth);
    const [session] = await auth.sessions.list(await auth.authenticate(next.access));
    expect(Date.parse(session!.expiresAt)).toBe(Date.parse(session!.createdAt) + 2 * day);

    // The setting applies to sessions from before it, too.
    await set({
      createdAt: sql`clock_timestamp() - interval '49 hours'`,
      expiresAt: new Date(Date.now() + day),
    });
    expect(await codeOf(refresh(next.refresh, strict.auth))).toBe("session_ended");
    expect((await refresh(next.refresh)).access).toBeString();
    strict.auth.stop();
  });

  test("repeating a refresh within 60 s returns the same refresh token, in case the response was lost", async () => {
    const lost = await refresh(signedIn.refresh);
    const again = await refresh(signedIn.refresh);
    expect(again.refresh).toBe(lost.refresh);
    expect((await refresh(again.refresh)).refresh).not.toBe(again.refresh);
  });

  test("two nodes that refresh the same token concurrently always return the same token", async () => {
    let token = signedIn.refresh;
    for (let round = 0; round < 10; round++) {
      const pairs = await Promise.all([refresh(token, auth), refresh(token, other), refresh(token, auth)]);
      expect(new Set(pairs.map((pair) => pair.refresh)).size).toBe(1);
      token = pairs[0].refresh;
    }
  });

  test("using a token again after 60 s is reuse and ends the session on every node", async () => {
    const next = await refresh(signedIn.refresh);
    await forgetGrace();
    expect(await codeOf(refresh(signedIn.refresh))).toBe("refresh_reused");
    expect(await codeOf(refresh(next.refresh, other))).toBe("session_ended");
    expect(await codeOf(auth.authenticate(next.access))).toBe("session_ended");
  });

  test("using a token two generations old is reuse, even within 60 s", async () => {
    const next = await refresh(signedIn.refresh);
    await refresh(next.refresh);
    expect(await codeOf(refresh(signedIn.refresh))).toBe("refresh_reused");
    expect(await codeOf(refresh(next.refresh))).toBe("session_ended");
  });

  test("a token newer than a restored database is rejected, and nothing is revoked", async () => {
    const next = await refresh(signedIn.refresh);
    await set({ generation: 1 });
    expect(await codeOf(refresh(next.refresh))).toBe("refresh_invalid");
    expect((await refresh(signedIn.refresh)).refresh).toBe(next.refresh);
  });

  test("a forged or malformed token is rejected, and nothing is revoked", async () => {
    const [id, , mac] = signedIn.refresh.split(".");
    const forged = [
      "",
      "x",
      signedIn.access,
      `${id}.2.${mac}`,
      `${crypto.randomUUID()}.1.${mac}`,
      `${id}.1.${"A".repeat(43)}`,
      `${id}.1.${mac}A`,
      `${id}.01.${mac}`,
      `${id?.toUpperCase()}.1.${mac}`,
      `${signedIn.refresh}\0`,
    ];
    for (const token of forged) expect(await codeOf(refresh(token))).toBe("refresh_invalid");
    expect((await refresh(signedIn.refresh)).access).toBeString();
  });

  test("an expired session cannot be refreshed", async () => {
    await set({ expiresAt: sql`clock_timestamp() - interval '1 second'` });
    expect(await codeOf(refresh(signedIn.refresh))).toBe("session_ended");
  });

  test("a disabled user cannot refresh", async () => {
    const { userId } = await me();
    await database.run((orm) =>
      orm.update(users).set({ disabledAt: new Date() }).where(eq(users.id, userId)),
    );
    expect(await codeOf(refresh(signedIn.refresh))).toBe("account_disabled");
  });

  test("any of its refresh tokens can log a session out, and a second logout changes nothing", async () => {
    const next = await refresh(signedIn.refresh);
    await auth.sessions.logout(signedIn.refresh, HERE);
    expect(await codeOf(auth.authenticate(next.access))).toBe("session_ended");
    expect(await codeOf(refresh(next.refresh))).toBe("session_ended");
    await auth.sessions.logout(next.refresh, HERE);
    expect(await codeOf(auth.sessions.logout("x", HERE))).toBe("refresh_invalid");
  });

  test("a person can list their sessions, end one of them and end all others", async () => {
    const login = (userAgent: string) =>
      auth.accounts.login({ email: signedIn.email, password: PASSWORD }, { ...HERE, userAgent });
    const phone = await login("phone");
    const tablet = await login("tablet");
    const list = await auth.sessions.list(await me());
    expect(list.map(({ userAgent, current }) => [userAgent, current])).toEqual([
      ["tablet", false],
      ["phone", false],
      ["test", true],
    ]);
    await auth.sessions.end(await me(), list.find(({ userAgent }) => userAgent === "phone")?.id ?? "", HERE);
    expect(await codeOf(auth.authenticate(phone.access))).toBe("session_ended");
    expect((await auth.authenticate(tablet.access)).userId).toBe((await me()).userId);
    await auth.sessions.endOthers(await me(), HERE);
    expect(await codeOf(auth.authenticate(tablet.access))).toBe("session_ended");
    expect(await auth.sessions.list(await me())).toHaveLength(1);
  });

  const user = async () => {
    const [found] = await database.run((orm) =>
      orm.select().from(users).where(eq(users.email, signedIn.email)),
    );
    return found!;
  };

  test("beyond 100 sessions the least recently used end, like any others, however many logins come at once", async () => {
    const account = await user();
    const early = await auth.sessions.open(account, HERE);
    for (let session = 2; session < 100; session++) await auth.sessions.open(account, HERE);
    const heard: Ended[] = [];
    const unsubscribe = [auth, other].map(({ standing }) => standing.onEnded((ended) => heard.push(ended)));
    await refresh(signedIn.refresh); // the oldest, but in use
    await Promise.all(
      Array.from({ length: 30 }, (_, at) => (at % 2 ? auth : other).sessions.open(account, HERE)),
    );
    for (const stop of unsubscribe) stop();

    expect(await auth.sessions.list(await me())).toHaveLength(100);
    expect((await me()).sessionId).toBe(sessionId);
    expect(await codeOf(auth.authenticate(early!.access))).toBe("session_ended");
    expect(heard.map(({ userId, reason }) => [userId, reason])).toEqual(
      Array(30).fill([account.id, "session_ended"]),
    );
    expect(new Set(heard.flatMap(({ sessionIds }) => sessionIds ?? [])).size).toBe(30);
  });

  test("a login costs the same, however often its person has logged in before", async () => {
    const account = await user();
    const add = (count: number, values: SQL) =>
      database.run((orm) =>
        orm.execute(sql`insert into sessions (id, user_id, expires_at, revoked_at, used_at)
          select gen_random_uuid(), ${account.id}, ${values} from generate_series(1, ${count}::int) n`),
      );
    const ended = (expires: SQL) => sql`clock_timestamp() ${expires}, clock_timestamp(), clock_timestamp()`;
    const watched = explained(database);
    const rowsRead = async () => {
      await database.run((orm) => orm.execute(sql`analyze sessions`));
      await watched.run((orm) =>
        insertSession(orm, account, crypto.randomUUID(), "", { ttlMs: 60_000, maxAgeMs: 60_000 }),
      );
      const read = watched.takeScans().filter(({ table }) => table === "sessions");
      expect(read.length).toBeGreaterThan(1);
      return read.reduce((sum, scan) => sum + scan.rows, 0);
    };
    await add(100, sql`clock_timestamp() + interval '1 day', null, clock_timestamp()`);
    await add(2000, ended(sql`+ n * interval '1 minute'`));
    expect(await rowsRead()).toBeLessThan(300);
    await add(2000, ended(sql`- n * interval '1 minute'`));
    expect(await rowsRead()).toBeLessThan(300);
  });

  test("the row of an ended session goes within a day, and the next logins delete it", async () => {
    await auth.sessions.logout(signedIn.refresh, HERE);
    expect(await codeOf(refresh(signedIn.refresh))).toBe("session_ended");
    const [row] = await database.run((orm) => orm.select().from(sessions).where(eq(sessions.id, sessionId)));
    expect(row!.expiresAt.getTime() - Date.now()).toBeLessThan(25 * 3600 * 1000);
    await set({ expiresAt: sql`clock_timestamp() - interval '1 second'` });
    await auth.sessions.open(await user(), HERE);
    expect(await codeOf(refresh(signedIn.refresh))).toBe("refresh_invalid");
  });

  test("nobody can end another person's session or one that does not exist", async () => {
    const stranger = await auth.accounts.register(
      { email: `stranger${people}@example.com`, password: PASSWORD },
      HERE,
    );
    const them = await auth.authenticate(stranger.access);
    expect(await codeOf(auth.sessions.end(them, sessionId, HERE))).toBe("not_found");
    expect(await codeOf(auth.sessions.end(them, crypto.randomUUID(), HERE))).toBe("not_found");
    expect((await me()).sessionId).toBe(sessionId);
  });

  test("a user agent is stored as at most 256 well-formed characters", async () => {
    const userAgent = `${"x".repeat(255)}😀\0\ud800`;
    await auth.accounts.login({ email: signedIn.email, password: PASSWORD }, { ...HERE, userAgent });
    const [session] = await auth.sessions.list(await me());
    expect(session?.userAgent.isWellFormed()).toBeTrue();
    expect(session?.userAgent).toHaveLength(256);
  });
}
