import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { eq, sql } from "drizzle-orm";
import { decodeJwt, decodeProtectedHeader, exportJWK, exportPKCS8, generateKeyPair } from "jose";
import { listKeys, revokeKey, rotateKey } from "../../src/auth/keystore.ts";
import { ConfigError } from "../../src/config/config.ts";
import { readAudit } from "../../src/db/audit.ts";
import { DatabaseTimeout } from "../../src/db/database.ts";
import { loadMeta } from "../../src/db/meta.ts";
import { keys } from "../../src/db/schema.ts";
import { freshDatabase, newDatabase, postgresDatabase, type TestDatabase } from "../support/database.ts";
import { needs } from "../support/needs.ts";
import { ORDER } from "../support/order.ts";
import { codeOf, HERE, PASSWORD, startNode, until } from "./node.ts";

let database: TestDatabase;
const account = { email: "ada@example.com", password: PASSWORD };

beforeAll(async () => {
  database = await freshDatabase();
  const { auth } = await startNode(database);
  await auth.accounts.register(account, HERE);
  auth.stop();
});
afterAll(() => database.close());

type Node = Awaited<ReturnType<typeof startNode>>;
const kidsOf = async ({ auth }: Node) => (await auth.jwks()).keys.map(({ kid }) => kid);
const login = ({ auth }: Node) => auth.accounts.login(account, HERE);
const kidOf = ({ access }: { access: string }) => decodeProtectedHeader(access).kid;
/** Makes every key look as if it had been created or retired that much earlier. */
const age = (column: "created_at" | "retired_at", interval: string) =>
  database.run((orm) =>
    orm.execute(
      sql`update keys set ${sql.identifier(column)} = ${sql.identifier(column)} - ${interval}::interval`,
    ),
  );

async function startAtOnce(fresh: TestDatabase) {
  const nodes = await Promise.all(Array.from({ length: 5 }, () => startNode(fresh)));
  const sets = await Promise.all(nodes.map(({ auth }) => auth.jwks()));
  for (const set of sets) expect(set).toEqual(sets[0]!);
  expect(sets[0]?.keys).toHaveLength(1);
  expect(await fresh.run((orm) => orm.$count(keys))).toBe(2);
  const { access, refresh } = await nodes[0]!.auth.accounts.register(account, HERE);
  for (const { auth } of nodes) expect((await auth.authenticate(access)).username).toBe("ada");
  expect((await nodes[1]!.auth.sessions.refresh(refresh, HERE)).access).toBeString();
  for (const { auth } of nodes) auth.stop();
  await fresh.close();
}

describe("nodes that start at once on a new database share their keys and accept each other's tokens", () => {
  test("on the embedded database", async () => startAtOnce(await newDatabase()));
  needs("TEST_DATABASE_URL")("on Postgres", () => {
    test("through an advisory lock", async () => startAtOnce(await postgresDatabase()));
  });
});

test("two new installations share no key, epoch or issuer", async () => {
  const [one, two] = await Promise.all([newDatabase(), newDatabase()]);
  const secretsOf = async (install: TestDatabase) => {
    const node = await startNode(install);
    node.auth.stop();
    const stored = await install.run((orm) => orm.select().from(keys));
    const { epoch, instance } = await loadMeta(install);
    return [epoch, instance, ...stored.flatMap(({ kid, key }) => [kid, key])];
  };
  const [ours, theirs] = [await secretsOf(one), await secretsOf(two)];
  expect(new Set([...ours, ...theirs]).size).toBe(12);
  await Promise.all([one.close(), two.close()]);
});

test("the key set contains public halves with their use and algorithm", async () => {
  const node = await startNode(database);
  const { keys: set } = await node.auth.jwks();
  for (const key of set)
    expect(Object.keys(key).toSorted()).toEqual(["alg", "crv", "kid", "kty", "use", "x"]);
  expect(set[0]).toMatchObject({ kty: "OKP", crv: "Ed25519", use: "sig", alg: "EdDSA" });
  node.auth.stop();
});

test("a running server first publishes a new key, and signs with it once all nodes have had time to read it", async () => {
  const node = await startNode(database);
  const before = await login(node);
  await age("created_at", "1 hour");
  const kid = await rotateKey(database, "sign", ORDER);
  expect(await kidsOf(node)).not.toContain(kid);
  node.clock.pass(2000);
  await until(async () => (await kidsOf(node)).includes(kid));
  expect(kidOf(await login(node))).toBe(kidOf(before)); // still the old key

  await age("created_at", "6 seconds");
  node.clock.pass(2000);
  await until(async () => kidOf(await login(node)) === kid);
  expect((await node.auth.authenticate(before.access)).username).toBe("ada"); // the old key still verifies
  node.auth.stop();
});

test("a token with an unknown key makes a node reread the keys, at most once a second", async () => {
  const [signer, reader] = [await startNode(database), await startNode(database)];
  const kid = await rotateKey(database, "sign", ORDER);
  await age("created_at", "6 seconds");
  signer.clock.pass(2000);
  await until(async () => kidOf(await login(signer)) === kid);
  const { access } = await login(signer);
  expect(await codeOf(reader.auth.authenticate(access))).toBe("token_invalid"); // it has just read the keys
  reader.clock.pass(1000);
  expect((await reader.auth.authenticate(access)).username).toBe("ada");
  signer.auth.stop();
  reader.auth.stop();
});

test("a retired key is dropped when the last token it signed has expired; the sessions continue", async () => {
  const node = await startNode(database);
  const { access, refresh } = await login(node);
  const kid = kidOf({ access });
  await rotateKey(database, "sign", ORDER);
  await age("created_at", "6 seconds");
  await age("retired_at", "59 minutes");
  node.clock.pass(2000);
  await until(async () => (await kidsOf(node)).length > 1);
  expect((await node.auth.authenticate(access)).username).toBe("ada");

  await age("retired_at", "3 minutes");
  node.clock.pass(2000);
  await until(async () => !(await kidsOf(node)).includes(kid));
  expect(await codeOf(node.auth.authenticate(access))).toBe("token_invalid");
  node.clock.pass(3_600_000); // the token has expired by now, so that is what the error says
  expect(await codeOf(node.auth.authenticate(access))).toBe("token_expired");
  expect((await node.auth.sessions.refresh(refresh, HERE)).access).toBeString();
  node.auth.stop();
});

test("a new refresh key signs once all nodes have had time to read it, and tokens of the old key stay valid", async () => {
  const nodes = [await startNode(database), await startNode(database)] as const;
  const { refresh } = await login(nodes[0]);
  await rotateKey(database, "refresh", ORDER);
  await age("created_at", "1 second");
  const restarted = await startNode(database); // knows the new key, but must not sign with it yet
  const next = await restarted.auth.sessions.refresh(refresh, HERE);
  expect((await nodes[1].auth.sessions.refresh(next.refresh, HERE)).access).toBeString();

  await age("created_at", "6 seconds");
  for (const { clock } of nodes) clock.pass(2000);
  const later = await startNode(database);
  const signed = await login(later);
  await until(
    async () => (await codeOf(nodes[1].auth.sessions.refresh(signed.refresh, HERE))) !== "refresh_invalid",
  );
  for (const { auth } of [...nodes, restarted, later]) auth.stop();
});

test("a node that could not read the keys lately does not call a refresh token invalid: it may be of a new key", async () => {
  let away = false;
  const run: TestDatabase["run"] = (work) =>
    away ? Promise.reject(new DatabaseTimeout("away")) : database.run(work);
  const node = await startNode({ ...database, run });
  const forged = (await login(node)).refresh.replace(/.{43}$/, "A".repeat(43));
  expect(await codeOf(node.auth.sessions.refresh(forged, HERE))).toBe("refresh_invalid");
  away = true;
  node.clock.pass(5000);
  expect(await codeOf(node.auth.sessions.refresh(forged, HERE))).toBe("unavailable");
  node.auth.stop();
});

describe("a revoked key", () => {
  const auditOf = async () => (await readAudit(database, undefined, 1))[0];
  /** Makes every key look settled. */
  const settle = async () => age("created_at", "6 seconds");
  const isRead = (node: Node, kid: string) => {
    node.clock.pass(2000);
    return until(async () => !(await kidsOf(node)).includes(kid));
  };

  test("ends the tokens that it signed on every node; its successor signs once all have read it", async () => {
    await settle();
    const nodes = [await startNode(database), await startNode(database)] as const;
    const { access, refresh } = await login(nodes[0]);
    for (const { auth } of nodes) expect((await auth.authenticate(access)).username).toBe("ada");
    const kid = kidOf({ access })!;
    const { successor } = await revokeKey(database, kid, ORDER);
    for (const node of nodes) {
      await isRead(node, kid);
      expect(await codeOf(node.auth.authenticate(access))).toBe("token_invalid");
      expect(await codeOf(node.auth.sessions.refresh(refresh, HERE))).toBe("unavailable");
      expect(node.events.slice(-2)).toEqual([
        ["key.rotate", { kid: successor }],
        ["key.revoke", { kid }],
      ]);
    }
    expect(await auditOf()).toMatchObject({ action: "key.revoke", target: kid, actor: ORDER.actor });

    await settle();
    for (const { clock } of nodes) clock.pass(2000);
    await until(async () => (await codeOf(nodes[0].auth.sessions.refresh(refresh, HERE))) !== "unavailable");
    const renewed = await nodes[0].auth.sessions.refresh(refresh, HERE);
    expect(kidOf(renewed)).toBe(successor);
    expect((await nodes[1].auth.authenticate(renewed.access)).username).toBe("ada");
    for (const { auth } of nodes) auth.stop();
  });

  test("closes the sockets whose tokens it signed, and not those of the same session with another key's token", async () => {
    await settle();
    const node = await startNode(database);
    const { access, refresh } = await login(node);
    const before = await node.auth.authenticate(access);
    await rotateKey(database, "sign", ORDER);
    await settle();
    node.clock.pass(2000);
    await until(async () => kidOf(await login(node)) !== kidOf({ access }));
    const after = await node.auth.authenticate((await node.auth.sessions.refresh(refresh, HERE)).access);
    expect(after.sessionId).toBe(before.sessionId);
    expect(await node.auth.standing.ask([before, after])).toEqual(["alive", "alive"]);
    await revokeKey(database, kidOf({ access })!, ORDER);
    await isRead(node, kidOf({ access })!);
    expect(await node.auth.standing.ask([before, after])).toEqual(["session_ended", "alive"]);
    expect(kidOf(await login(node))).toBe(after.keyId); // nobody had to wait
    node.auth.stop();
  });

  test("of refresh tokens ends all sessions, also those that another key continues by now", async () => {
    await settle();
    const node = await startNode(database);
    const [one, other] = [await login(node), await login(node)];
    const stored = await listKeys(database);
    const kid = stored.findLast(({ kind, retiredAt }) => kind === "refresh" && !retiredAt)!.kid;
    await rotateKey(database, "refresh", ORDER);
    await settle();
    const later = await startNode(database);
    await later.auth.sessions.refresh(other.refresh, HERE); // signed with the new key
    const me = await node.auth.authenticate(one.access);
    const them = await node.auth.authenticate(other.access);
    const { sessions, successor } = await revokeKey(database, kid, ORDER);
    expect(sessions).toBeGreaterThanOrEqual(2);
    expect(successor).toBeUndefined();
    expect(await node.auth.standing.ask([me, them])).toEqual(["session_ended", "session_ended"]);
    node.clock.pass(2000);
    await until(
      async () => (await codeOf(node.auth.sessions.refresh(one.refresh, HERE))) === "refresh_invalid",
    );
    expect(await login(node)).toBeObject();
    node.auth.stop();
    later.auth.stop();
  });

  test("keeps nobody from registering later: an account is not created if its session could not be opened", async () => {
    await settle();
    const node = await startNode(database);
    const kid = kidOf(await login(node))!;
    await revokeKey(database, kid, ORDER);
    await isRead(node, kid);
    const register = () =>
      codeOf(node.auth.accounts.register({ email: "late@example.com", password: PASSWORD }, HERE));
    expect(await register()).toBe("unavailable");
    await settle();
    node.clock.pass(2000);
    await until(async () => (await register()) !== "unavailable");
    expect(await register()).toBe("email_taken");
    node.auth.stop();
  });

  test("is not revoked twice, and an unknown one not at all", async () => {
    const revoked = (await listKeys(database)).find(({ revokedAt }) => revokedAt)!;
    expect(await codeOf(revokeKey(database, revoked.kid, ORDER))).toBe("not_found");
    expect(await codeOf(revokeKey(database, "unknown", ORDER))).toBe("not_found");
  });

  test("from the configuration gives way to one of the database, and prevents the next start", async () => {
    const { privateKey } = await generateKeyPair("EdDSA", { extractable: true });
    const JWT_PRIVATE_KEY = JSON.stringify(await exportJWK(privateKey));
    const node = await startNode(database, { JWT_PRIVATE_KEY });
    const kid = kidOf(await login(node))!;
    const { successor } = await revokeKey(database, kid, ORDER);
    await settle();
    await isRead(node, kid);
    expect(kidOf(await login(node))).toBe(successor);
    const error = await startNode(database, { JWT_PRIVATE_KEY }).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toContain(kid);
    node.auth.stop();
  });
});

test("a configured key, as a JWK or PEM, signs tokens, and its private half is not stored", async () => {
  const { privateKey } = await generateKeyPair("EdDSA", { extractable: true });
  const jwk = JSON.stringify(await exportJWK(privateKey));
  const pem = (await exportPKCS8(privateKey)).replaceAll("\n", "\\n");
  const [one, two] = [
    await startNode(database, { JWT_PRIVATE_KEY: jwk }),
    await startNode(database, { JWT_PRIVATE_KEY: pem }),
  ];
  const { access } = await login(one);
  expect(kidOf(await login(two))).toBe(kidOf({ access }));
  const [stored] = await database.run((orm) =>
    orm
      .select()
      .from(keys)
      .where(eq(keys.kid, kidOf({ access }) ?? "")),
  );
  expect(JSON.parse(stored?.key ?? "")).not.toHaveProperty("d");
  expect((await two.auth.authenticate(access)).username).toBe("ada");

  // A node without the configured key still accepts its tokens, and signs with a new key of its own.
  const without = await startNode(database);
  expect((await without.auth.authenticate(access)).username).toBe("ada");
  expect(kidOf(await login(without))).not.toBe(kidOf({ access }));
  for (const { auth } of [one, two, without]) auth.stop();
});

test.each([
  ["nonsense", async () => "nonsense"],
  ["half a JWK", async () => '{"kty":"OKP"'],
  ["a public key", async () => JSON.stringify(await exportJWK((await generateKeyPair("EdDSA")).publicKey))],
  ["an RSA key", async () => exportPKCS8((await generateKeyPair("RS256", { extractable: true })).privateKey)],
  [
    "an X25519 key",
    async () =>
      JSON.stringify(
        await exportJWK((await generateKeyPair("ECDH-ES", { crv: "X25519", extractable: true })).privateKey),
      ),
  ],
])(
  "%s as the key prevents the server from starting, with one line that does not quote it",
  async (_, make) => {
    const text = await make();
    const error = await startNode(database, { JWT_PRIVATE_KEY: text }).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toStartWith("JWT_PRIVATE_KEY must be");
    expect(error.message).not.toContain(text);
  },
);

test("the issuer is PUBLIC_URL, otherwise the database's instance id", async () => {
  const node = await startNode(database);
  const named = await startNode(database, { PUBLIC_URL: "https://chat.example.com" });
  const { instance } = await loadMeta(database);
  expect(decodeJwt((await login(node)).access).iss).toBe(instance);
  const { access } = await login(named);
  expect(decodeJwt(access).iss).toBe("https://chat.example.com");
  expect(await codeOf(node.auth.authenticate(access))).toBe("token_invalid");
  expect((await loadMeta(database)).instance).toBe(instance);
  node.auth.stop();
  named.auth.stop();
});
