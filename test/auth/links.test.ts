import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { eq, sql } from "drizzle-orm";
import type { Auth } from "../../src/auth/auth.ts";
import { createLink } from "../../src/auth/links.ts";
import { readAudit } from "../../src/db/audit.ts";
import { registrationLinks, users } from "../../src/db/schema.ts";
import { freshDatabase, postgresDatabase, type TestDatabase } from "../support/database.ts";
import { needs } from "../support/needs.ts";
import { ORDER } from "../support/order.ts";
import { codeOf, HERE, PASSWORD, startNode } from "./node.ts";

// Registration by invitation.

describe("on the embedded database", () => suite(freshDatabase));
needs("TEST_DATABASE_URL")("on Postgres", () => suite(postgresDatabase));

function suite(open: () => Promise<TestDatabase>) {
  let database: TestDatabase;
  let auth: Auth;
  let events: Awaited<ReturnType<typeof startNode>>["events"];
  let people = 0;

  beforeAll(async () => {
    database = await open();
    ({ auth, events } = await startNode(database, { LOGIN_RATE: 0, REGISTRATION: "invite" }));
  });
  afterAll(async () => {
    auth.stop();
    await database.close();
  });

  const link = async (ttlMs = 60_000) =>
    (await createLink(database, { ttlMs, publicUrl: "https://chat.example.com/" }, ORDER)).token;
  const register = (invite: string | undefined, email = `person${++people}@example.com`) =>
    auth.accounts.register({ email, password: PASSWORD, invite }, HERE);

  test("a link creates one account; without one, or with a wrong one, nobody registers", async () => {
    const token = await link();
    expect(await codeOf(register(undefined))).toBe("invite_required");
    for (const wrong of ["", "x", `${token}x`, token.slice(1), "x".repeat(256)])
      expect(await codeOf(register(wrong))).toBe("invite_invalid");
    expect((await register(token)).username).toStartWith("person");
    expect(await codeOf(register(token))).toBe("invite_invalid");
    expect(events.map(([event]) => event)).toEqual(["link.use", "account.create"]);
  });

  test("anyone without a link cannot use up the registrations of their network", async () => {
    const office = await startNode(database, { LOGIN_RATE: 10, REGISTRATION: "invite" });
    const at = (invite: string) =>
      office.auth.accounts.register({ email: "office@example.com", password: PASSWORD, invite }, HERE);
    const token = await link();
    for (let attempt = 0; attempt <= 300; attempt++) expect(await codeOf(at("x"))).toBe("invite_invalid");
    expect((await at(token)).email).toBe("office@example.com");
    office.auth.stop();
  });

  test("of twenty people who use one link at once, one gets in", async () => {
    const token = await link();
    const before = await database.run((orm) => orm.$count(users));
    const results = await Promise.all(Array.from({ length: 20 }, () => codeOf(register(token))));
    expect(results.filter((result) => result === "invite_invalid")).toHaveLength(19);
    expect(await database.run((orm) => orm.$count(users))).toBe(before + 1);
  });

  test("a registration that fails does not use its link up", async () => {
    const taken = "taken@example.com";
    await register(await link(), taken);
    const token = await link();
    expect(await codeOf(register(token, taken))).toBe("email_taken");
    const weak = { email: "weak@example.com", password: "password", invite: token };
    expect(await codeOf(auth.accounts.register(weak, HERE))).toBe("invalid");
    expect((await register(token)).access).toBeString();
  });

  test("a link expires", async () => {
    const token = await link();
    await database.run((orm) =>
      orm
        .update(registrationLinks)
        .set({ expiresAt: sql`clock_timestamp() - interval '1 second'` })
        .where(sql`used_at is null`),
    );
    expect(await codeOf(register(token))).toBe("invite_invalid");
  });

  test("the database stores who registered with a link, and the audit who created it; neither has its token", async () => {
    const { token, url, expiresAt } = await createLink(
      database,
      { ttlMs: 86_400_000, publicUrl: "https://chat.example.com/base/" },
      ORDER,
    );
    expect(url).toBe(`https://chat.example.com/base/#/register/${token}`);
    expect(Date.parse(expiresAt) - Date.now()).toBeWithin(86_000_000, 86_500_000);
    const { access } = await register(token);
    const { userId } = await auth.authenticate(access);
    const stored = await database.run((orm) =>
      orm.select().from(registrationLinks).where(eq(registrationLinks.userId, userId)),
    );
    expect(stored).toHaveLength(1);
    expect(JSON.stringify(stored)).not.toContain(token);
    const [entry] = await readAudit(database, undefined, 1);
    expect(entry).toMatchObject({ ...ORDER, action: "link.create", target: String(stored[0]?.id) });
    expect(JSON.stringify(entry)).not.toContain(token);
  });

  test("without PUBLIC_URL a link has no address", async () => {
    expect((await createLink(database, { ttlMs: 1000, publicUrl: undefined }, ORDER)).url).toBeNull();
  });
}
