import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { and, eq, sql } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";
import type { SQL } from "drizzle-orm";
import type { Auth } from "../../src/auth/auth.ts";
import { eraseDue } from "../../src/auth/erasure.ts";
import { resetPassword } from "../../src/auth/operator.ts";
import { issueTicket, type TicketKind, voidTickets } from "../../src/auth/tickets.ts";
import { readUnsubscribeToken, unsubscribeToken } from "../../src/auth/unsubscribing.ts";
import { loadConfig } from "../../src/config/config.ts";
import { removeOldTickets } from "../../src/db/cleanup.ts";
import { type Database, type Orm, rows } from "../../src/db/database.ts";
import { digests, mails, tickets, users } from "../../src/db/schema.ts";
import { freshDatabase, postgresDatabase, type TestDatabase } from "../support/database.ts";
import { needs } from "../support/needs.ts";
import { ORDER } from "../support/order.ts";
import { until } from "../support/until.ts";
import { codeOf, HERE, PASSWORD, startNode } from "./node.ts";

// What the links of mails allow, and what is stored of them.

const { SMTP_URL } = loadConfig({
  SMTP_URL: "smtp://127.0.0.1:1?tls=off",
  MAIL_FROM: "chat@example.com",
  PUBLIC_URL: "https://chat.example.com",
});
const NEW = "a wholly different phrase";

/** A database that writes down what is done with it. */
function watched(database: Database): { readonly database: Database; readonly done: string[] } {
  const done: string[] = [];
  const dialect = new PgDialect();
  const watch = (orm: Orm): Orm =>
    new Proxy(orm, {
      get(target, name: keyof Orm) {
        if (name === "execute")
          return (statement: SQL) => {
            done.push(dialect.sqlToQuery(statement).sql);
            return target.execute(statement);
          };
        if (name === "transaction")
          return (work: (tx: Orm) => Promise<unknown>) => {
            done.push("transaction");
            return target.transaction((tx) => work(watch(tx)));
          };
        done.push(String(name));
        return target[name];
      },
    });
  return { done, database: { ...database, run: (work) => database.run((orm) => work(watch(orm))) } };
}

class Interrupted extends Error {}

/** A database that lets `first` happen before the first transaction after `arm`. */
function interrupted(database: Database, first: () => Promise<unknown>) {
  let isOver = true;
  const watch = (orm: Orm): Orm =>
    new Proxy(orm, {
      get(target, name: keyof Orm) {
        if (name !== "transaction") return target[name];
        return () => {
          throw new Interrupted();
        };
      },
    });
  const run: Database["run"] = async (work) => {
    if (!isOver)
      try {
        return await database.run(async (orm) => work(watch(orm)));
      } catch (error) {
        if (!(error instanceof Interrupted)) throw error;
        isOver = true;
        await first();
      }
    return database.run(work);
  };
  return { database: { ...database, run }, arm: () => void (isOver = false) };
}

describe("on the embedded database", () => suite(freshDatabase));
needs("TEST_DATABASE_URL")("on Postgres", () => suite(postgresDatabase));

function suite(open: () => Promise<TestDatabase>) {
  let database: TestDatabase;
  let auth: Auth;
  let people = 0;

  beforeAll(async () => {
    database = await open();
    ({ auth } = await startNode(database, { LOGIN_RATE: 0, SMTP_URL }));
  });
  afterAll(async () => {
    auth.stop();
    await database.close();
  });

  const recovery = () => auth.recovery as NonNullable<Auth["recovery"]>;
  async function newcomer() {
    const email = `person${++people}@example.com`;
    const { access } = await auth.accounts.register({ email, password: PASSWORD }, HERE);
    return { email, who: await auth.authenticate(access) };
  }
  const issue = async (
    kind: TicketKind,
    userId: number,
    address: string,
    id: string = crypto.randomUUID(),
  ) => {
    const mail = { id, kind, address, userId, dueAt: new Date(Date.now() + 3600_000) };
    await database.run((orm) => orm.insert(mails).values(mail).onConflictDoNothing());
    return issueTicket(database, { kind, userId, address, mailId: id });
  };
  const reset = (token: string | undefined, password = NEW) =>
    codeOf(recovery().reset({ token: token ?? "", password }, HERE));
  const stored = async (userId: number) =>
    Promise.all(
      [tickets, mails, digests].map((table) =>
        database.run((orm) => orm.$count(table, eq(table.userId, userId))),
      ),
    );

  test("asking for a link does the same work whether there is an account or not", async () => {
    const { email } = await newcomer();
    const { database: observed, done } = watched(database);
    const node = await startNode(observed, { LOGIN_RATE: 0, SMTP_URL });
    const work = async (address: string) => {
      done.length = 0;
      await node.auth.recovery?.requestReset(address);
      return [...done];
    };
    const known = await work(email);
    expect(known).toHaveLength(2);
    expect(await work("nobody@example.com")).toEqual(known);
    expect(await work(email)).toEqual(known);
    node.auth.stop();
  });

  test("a link that has expired, or whose address is not the account's any more, sets no password", async () => {
    const { email, who } = await newcomer();
    const late = await issue("reset", who.userId, email);
    await database.run((orm) => orm.update(tickets).set({ expiresAt: sql`clock_timestamp()` }));
    expect(await reset(late)).toBe("link_invalid");
    expect(await reset(await issue("reset", who.userId, "old@example.com"))).toBe("link_invalid");
    expect(await reset(await issue("reset", who.userId, email))).toBeUndefined();
  });

  test("a link of someone who was disabled or has deleted their account does nothing", async () => {
    const { email, who } = await newcomer();
    const [first, second] = [
      await issue("reset", who.userId, email),
      await issue("verify", who.userId, email),
    ];
    const set = (values: object) =>
      database.run((orm) => orm.update(users).set(values).where(eq(users.id, who.userId)));
    await set({ disabledAt: sql`clock_timestamp()` });
    expect(await reset(first)).toBe("link_invalid");
    await set({ disabledAt: null, deletedAt: sql`clock_timestamp()` });
    expect(await codeOf(recovery().verify(second ?? "", HERE))).toBe("link_invalid");
  });

  test("a changed password voids a change of the address that was asked for before, sent or not", async () => {
    const { who } = await newcomer();
    const token = await issue("change", who.userId, "thief@example.com");
    const waiting = () =>
      database.run((orm) => orm.$count(mails, and(eq(mails.userId, who.userId), eq(mails.kind, "change"))));
    expect(await waiting()).toBe(1);
    await auth.accounts.changePassword(who, { password: PASSWORD, next: NEW }, HERE);
    expect(await codeOf(recovery().verify(token ?? "", HERE))).toBe("link_invalid");
    expect(await waiting()).toBe(0);
  });

  test("a change of the address is refused if the password changes while it is asked for", async () => {
    const { who } = await newcomer();
    const change = () => auth.accounts.changePassword(who, { password: PASSWORD, next: NEW }, HERE);
    const { database: between, arm } = interrupted(database, change);
    const node = await startNode(between, { LOGIN_RATE: 0, SMTP_URL });
    arm();
    const asked = { email: `other${people}@example.com`, password: PASSWORD };
    expect(await codeOf(node.auth.recovery?.changeEmail(who, asked, HERE) ?? Promise.resolve())).toBe(
      "invalid",
    );
    const waiting = await database.run((orm) =>
      orm.select({ kind: mails.kind }).from(mails).where(eq(mails.userId, who.userId)),
    );
    expect(waiting.map(({ kind }) => kind).toSorted()).toEqual(["password", "verify"]);
    node.auth.stop();
  });

  test("no link is made of a mail that is being taken back", async () => {
    const { who } = await newcomer();
    const [address, id] = ["thief@example.com", crypto.randomUUID()];
    await database.run((orm) =>
      orm.insert(mails).values({ id, kind: "change", address, userId: who.userId }),
    );
    let isMade = false;
    const issuing = await database.run((orm) =>
      orm.transaction(async (tx) => {
        await voidTickets(tx, who.userId, ["change"]);
        const issued = issueTicket(database, {
          kind: "change",
          userId: who.userId,
          address,
          mailId: id,
        }).finally(() => (isMade = true));
        const waits = async () =>
          (await rows(tx, sql`select from pg_locks where not granted limit 1`)).length > 0;
        // The embedded database does one thing after the other.
        if (database.driver !== "pglite") await until(async () => isMade || (await waits()));
        return { issued };
      }),
    );
    expect(await issuing.issued).toBeUndefined();
  });

  test("the operator's reset voids links", async () => {
    const { email, who } = await newcomer();
    const token = await issue("reset", who.userId, email);
    expect(await resetPassword(database, email, "another good phrase", ORDER)).toBe(true);
    expect(await reset(token)).toBe("link_invalid");
  });

  test("one address gets five links to confirm it in a day, from however many accounts, and each mail counts once", async () => {
    const victim = "victim@example.com";
    const mailId = crypto.randomUUID();
    for (let attempt = 0; attempt < 3; attempt++)
      expect(await issue("change", 1_000_001, victim, mailId)).toBeString();
    for (let person = 2; person <= 5; person++)
      expect(await issue("change", 1_000_000 + person, victim)).toBeString();
    expect(await issue("change", 1_000_006, victim)).toBeUndefined();
    expect(await issue("verify", 1_000_007, victim)).toBeUndefined();
    expect(await issue("reset", 1_000_008, victim)).toBeString();
    await database.run((orm) =>
      orm
        .update(tickets)
        .set({ createdAt: sql`created_at - interval '25 hours'` })
        .where(eq(tickets.address, victim)),
    );
    expect(await issue("change", 1_000_006, victim)).toBeString();
  });

  test("the database has no token, and forgets what has neither a use nor a place in a limit", async () => {
    const { email, who } = await newcomer();
    const token = (await issue("reset", who.userId, email)) ?? "";
    const dump = () =>
      database.run((orm) => orm.select().from(tickets).where(eq(tickets.userId, who.userId)));
    expect(token).toMatch(/^[\w-]{32}$/);
    expect(JSON.stringify(await dump())).not.toContain(token);
    await removeOldTickets(database);
    expect(await dump()).toHaveLength(1);
    await database.run((orm) =>
      orm.update(tickets).set({
        createdAt: sql`created_at - interval '25 hours'`,
        expiresAt: sql`created_at - interval '24 hours'`,
      }),
    );
    await removeOldTickets(database);
    expect(await dump()).toHaveLength(0);
  });

  test("an account that is erased leaves no link, no mail and no digest", async () => {
    const { email, who } = await newcomer();
    await recovery().setDigest(who, true);
    await issue("reset", who.userId, email);
    await recovery().requestReset(email);
    expect(await stored(who.userId)).toEqual([1, 2, 1]);
    await auth.accounts.remove(who, PASSWORD, HERE);
    await eraseDue(database, { afterMs: 0, key: "key" });
    expect(await stored(who.userId)).toEqual([0, 0, 0]);
    const left = await database.run((orm) => rows(orm, sql`select 1 from mails where address = ${email}`));
    expect(left).toHaveLength(0);
  });

  test("without SMTP_URL nothing waits to be sent", async () => {
    const plain = await startNode(database, { LOGIN_RATE: 0 });
    expect(plain.auth.recovery).toBeUndefined();
    const before = await database.run((orm) => orm.$count(mails));
    await plain.auth.accounts.register({ email: "plain@example.com", password: PASSWORD }, HERE);
    expect(await database.run((orm) => orm.$count(mails))).toBe(before);
    plain.auth.stop();
  });
}

test("a token that ends mails is that of one person, and of this server", () => {
  const uid = `u_${"a".repeat(22)}`;
  const token = unsubscribeToken("key", uid);
  expect(readUnsubscribeToken("key", token)).toBe(uid);
  expect(readUnsubscribeToken("another key", token)).toBeUndefined();
  expect(readUnsubscribeToken("key", token.replace("u_a", "u_b"))).toBeUndefined();
  expect(readUnsubscribeToken("key", "x".repeat(256))).toBeUndefined();
});
