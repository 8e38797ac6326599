import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { eq, sql } from "drizzle-orm";
import { decodeJwt, decodeProtectedHeader, exportJWK, exportPKCS8, generateKeyPair } from "jose";
import { rotateKey } from "../../src/auth/keystore.ts";
import { ConfigError } from "../../src/config.ts";
import { loadMeta } from "../../src/db/meta.ts";
import { keys, meta } from "../../src/db/schema.ts";
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

test("a new refresh key signs new tokens, and tokens of the old key stay valid", async () => {
  const node = await startNode(database);
  const { refresh } = await login(node);
  await rotateKey(database, "refresh", ORDER);
  const later = await startNode(database);
  const next = await later.auth.sessions.refresh(refresh, HERE);
  expect(await codeOf(node.auth.sessions.refresh(next.refresh, HERE))).toBe("refresh_invalid"); // not read yet
  node.clock.pass(2000);
  await until(
    async () => (await codeOf(node.auth.sessions.refresh(next.refresh, HERE))) !== "refresh_invalid",
  );
  node.auth.stop();
  later.auth.stop();
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
  expect(await database.run((orm) => orm.$count(meta))).toBe(2);
  node.auth.stop();
  named.auth.stop();
});
