import { afterAll, beforeAll, expect, test } from "bun:test";
import { hash } from "node:crypto";
import { eq } from "drizzle-orm";
import { createApiKey, isWellFormed, newToken, type WantedKey } from "../../src/auth/apikeys.ts";
import { listApiKeys } from "../../src/auth/apikeystore.ts";
import { revokeApiKey } from "../../src/auth/revoking.ts";
import { readAudit } from "../../src/db/audit.ts";
import { DatabaseTimeout } from "../../src/db/database.ts";
import { apiKeys } from "../../src/db/schema.ts";
import { freshDatabase, type TestDatabase } from "../support/database.ts";
import { ORDER } from "../support/order.ts";
import { codeOf, startNode, until } from "./node.ts";

let database: TestDatabase;
let node: Awaited<ReturnType<typeof startNode>>;

beforeAll(async () => {
  database = await freshDatabase();
  node = await startNode(database, { LOGIN_RATE: 3, ADMIN_TOKEN: "chosen-by-a-person" });
});
afterAll(async () => {
  node.auth.stop();
  await database.close();
});

const from = (address: string) => ({ address, userAgent: "test" });
const identify = async (token: string, address = "192.0.2.1", { auth } = node) =>
  (await auth.apiKeys.identify(token, from(address))).name;
const createKey = async (name: string, order = ORDER, more: Omit<WantedKey, "name"> = {}) =>
  (await createApiKey(database, { name, ...more }, order)).token;

const keyOf = async (name: string) => (await listApiKeys(database)).find((key) => key.name === name);
const sha256 = (text: string) => hash("sha256", text, "base64url");

test("a key has a prefix that scanners find, and a checksum that finds every typing error", () => {
  const token = newToken();
  expect(token).toMatch(/^parley_[0-9A-Za-z]{38}$/);
  expect(isWellFormed(token)).toBeTrue();
  expect(new Set(Array.from({ length: 100 }, newToken)).size).toBe(100);
  for (let at = "parley_".length; at < token.length; at++) {
    const wrong = token[at] === "x" ? "y" : "x";
    expect(isWellFormed(token.slice(0, at) + wrong + token.slice(at + 1))).toBeFalse();
  }
});

test("a key is known by its name; only its hash is stored, and the audit has its creation", async () => {
  const token = await createKey("grace", { ...ORDER, actor: "ada" });
  expect(await identify(token)).toBe("grace");
  expect(await identify("chosen-by-a-person")).toBe("ADMIN_TOKEN");
  const stored = await database.run((orm) => orm.select().from(apiKeys));
  expect(JSON.stringify(stored)).not.toContain(token.slice("parley_".length, -6));
  const [entry] = await readAudit(database, undefined, 1);
  expect(entry).toMatchObject({ action: "api_key.create", target: "grace", actor: "ada" });
});

test("a key that has expired is refused, and says so", async () => {
  const token = await createKey("erin", ORDER, { ttlMs: 3_600_000 });
  expect(await identify(token)).toBe("erin");
  expect(Date.parse((await keyOf("erin"))?.expiresAt ?? "")).toBeWithin(
    Date.now() + 3_500_000,
    Date.now() + 3_700_000,
  );
  await database.run((orm) =>
    orm
      .update(apiKeys)
      .set({ expiresAt: new Date(Date.now() - 1_000) })
      .where(eq(apiKeys.name, "erin")),
  );
  node.clock.pass(2000);
  expect(await codeOf(identify(token))).toBe("token_expired");
});

test("a key of an earlier version may do everything, and that version finds none with scopes", async () => {
  const old = newToken();
  await database.run((orm) => orm.insert(apiKeys).values({ name: "old", scope: "admin", hash: sha256(old) }));
  const holder = await node.auth.apiKeys.identify(old, from("192.0.2.1"));
  expect([holder.name, holder.allows("admin"), holder.allows("rooms:post", "lobby")]).toEqual([
    "old",
    true,
    true,
  ]);
  const token = await createKey("new", ORDER, { scopes: [{ name: "events", rooms: "" }] });
  const stored = await database.run((orm) => orm.select().from(apiKeys));
  expect(stored.map(({ hash }) => hash)).not.toContain(sha256(token));
});

test("a mistyped key is refused without the database, and says why", async () => {
  const token = newToken();
  const typo = `${token.slice(0, -1)}${token.endsWith("x") ? "y" : "x"}`;
  const error = await identify(typo, "198.51.100.40").catch((error) => error);
  expect([error.code, error.message]).toEqual([
    "token_invalid",
    "The checksum of this key is wrong. Copy the whole key.",
  ]);
});

test("a revoked key is refused by every node within two seconds, and its name stays taken", async () => {
  const token = await createKey("heidi", ORDER);
  const other = await startNode(database, { LOGIN_RATE: 0 });
  expect(await identify(token)).toBe("heidi");
  expect(await identify(token, "192.0.2.1", other)).toBe("heidi");
  await revokeApiKey(database, "heidi", ORDER);
  for (const at of [node, other]) {
    at.clock.pass(2000);
    expect(await codeOf(identify(token, "198.51.100.20", at))).toBe("token_invalid");
  }
  other.auth.stop();
  expect(await codeOf(createKey("heidi", ORDER))).toBe("invalid");
  for (const name of ["heidi", "", "x".repeat(65), "\0", "\ud800"])
    expect(await codeOf(revokeApiKey(database, name, ORDER))).toBe("not_found");
  expect((await readAudit(database, undefined, 1))[0]).toMatchObject({
    action: "api_key.revoke",
    target: "heidi",
  });
});

test.each(["", "with space", "ADMIN_TOKEN", "admin_token", "x".repeat(65), "-dash"])(
  "%p is no name for a key",
  async (name) => expect(await codeOf(createKey(name, ORDER))).toBe("invalid"),
);

test("the last use of a key is stored once a minute", async () => {
  const token = await createKey("ivan", ORDER);
  const used = async () => (await keyOf("ivan"))?.lastUsedAt;
  expect(await used()).toBeNull();
  let writes = 0;
  const run: TestDatabase["run"] = (work) => database.run((orm) => (writes++, work(orm)));
  const counting = await startNode({ ...database, run });
  writes = 0;
  for (let times = 0; times < 5; times++) await identify(token, "192.0.2.1", counting);
  await until(async () => (await used()) !== null);
  expect(writes).toBe(2); // one looks the key up, one stores its use
  counting.auth.stop();
});

test("after three wrong tokens a network is limited, and ADMIN_TOKEN cannot be guessed on; keys still work", async () => {
  const token = await createKey("judy", ORDER);
  const thief = "2001:db8:7::1";
  node.events.length = 0;
  for (let guess = 0; guess < 3; guess++)
    expect(await codeOf(identify(`wrong-${guess}`, thief))).toBe("token_invalid");
  const refused = await identify(newToken(), "2001:db8:7::2").catch((error) => error);
  expect(refused).toMatchObject({ code: "rate_limited", more: { retryAfterMs: expect.any(Number) } });
  expect(await codeOf(identify("chosen-by-a-person", thief))).toBe("rate_limited");
  expect(await identify(token, thief)).toBe("judy");
  expect(await identify("chosen-by-a-person", "192.0.2.99")).toBe("ADMIN_TOKEN");
  expect(node.events.map(([event]) => event)).toEqual([
    "operator.fail",
    "operator.fail",
    "operator.fail",
    "operator.limit",
    "operator.limit",
  ]);
  expect(node.events[0]?.[1]).toEqual({ origin: from(thief) });
});

// A network that has spent its budget for strangers can use only tokens that are known.
test("only a key that was good before, and what cannot be one, needs no budget for strangers", async () => {
  const { knows } = node.auth.apiKeys;
  const token = await createKey("lena", ORDER);
  expect([knows(token), knows(newToken()), knows("chosen-by-a-person"), knows("wrong")]).toEqual([
    ...[false, false, true, true],
  ]);
  expect(await identify(token)).toBe("lena");
  expect(knows(token)).toBeTrue();
  await revokeApiKey(database, "lena", ORDER);
  node.clock.pass(2000);
  expect(await codeOf(identify(token, "198.51.100.21"))).toBe("token_invalid");
  expect(knows(token)).toBeFalse();
});

test("ADMIN_TOKEN cannot be guessed from network after network of one IPv6 site", async () => {
  const guess = (network: number) => codeOf(identify(`wrong-${network}`, `2001:db8:9:${network}::1`));
  for (let network = 1; network <= 30; network++) expect(await guess(network)).toBe("token_invalid");
  expect(await guess(31)).toBe("rate_limited");
  expect(await codeOf(identify("chosen-by-a-person", "2001:db8:9:32::1"))).toBe("rate_limited");
  expect(await identify("chosen-by-a-person", "2001:db8:a:1::1")).toBe("ADMIN_TOKEN");
});

test("while keys cannot be looked up, a key is not called wrong", async () => {
  const token = await createKey("kim", ORDER);
  const run: TestDatabase["run"] = (work) =>
    away ? Promise.reject(new DatabaseTimeout("away")) : database.run(work);
  let away = false;
  const alone = await startNode({ ...database, run });
  away = true;
  await expect(identify(token, "192.0.2.1", alone)).rejects.toBeInstanceOf(DatabaseTimeout);
  expect(alone.events).toEqual([]);
  alone.auth.stop();
});
