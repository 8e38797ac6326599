import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { eq } from "drizzle-orm";
import {
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWTPayload,
  SignJWT,
} from "jose";
import { keys, users } from "../../src/db/schema.ts";
import { freshDatabase, type TestDatabase } from "../support/database.ts";
import { codeOf, HERE, PASSWORD, startNode } from "./node.ts";

let database: TestDatabase;
let node: Awaited<ReturnType<typeof startNode>>;
let access: string;
let refresh: string;
let ourKey: CryptoKey;
let publicX: string;
let people = 0;

beforeAll(async () => {
  database = await freshDatabase();
  node = await startNode(database, { LOGIN_RATE: 0 });
  ({ access, refresh } = await register());
  const [stored] = await database.run((orm) => orm.select().from(keys).where(eq(keys.kind, "sign")));
  const jwk = JSON.parse(stored?.key ?? "");
  ourKey = (await importJWK(jwk, "EdDSA")) as CryptoKey;
  publicX = jwk.x;
});
afterAll(async () => {
  node.auth.stop();
  await database.close();
});

const register = () =>
  node.auth.accounts.register({ email: `person${++people}@example.com`, password: PASSWORD }, HERE);
const codeFor = (token: string) => codeOf(node.auth.authenticate(token));
const now = () => Math.floor(node.clock.now() / 1000);

/** Returns our token with some claims or header fields changed (undefined: left out), signed with `key`. */
function variant(
  claims: JWTPayload,
  header: Record<string, unknown> = {},
  key: CryptoKey | Uint8Array = ourKey,
) {
  const present = (fields: object) => JSON.parse(JSON.stringify(fields));
  const payload = present({ ...decodeJwt(access), ...claims });
  return new SignJWT(payload)
    .setProtectedHeader(present({ ...decodeProtectedHeader(access), ...header }))
    .sign(key);
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const [signature, payloadOf, headerOf] = [2, 1, 0].map((part) => () => access.split(".")[part] ?? "") as [
  () => string,
  () => string,
  () => string,
];

test("our own token is accepted, even if it is signed by hand with our key", async () => {
  expect((await node.auth.authenticate(access)).username).toBe("person1");
  expect((await node.auth.authenticate(await variant({ jti: "another" }))).username).toBe("person1");
});

test("a token has exactly the documented claims and a lifetime of one hour", async () => {
  expect(decodeProtectedHeader(access)).toEqual({ alg: "EdDSA", typ: "at+jwt", kid: expect.any(String) });
  const claims = decodeJwt(access);
  expect(Object.keys(claims).toSorted()).toEqual([
    "aud",
    "exp",
    "iat",
    "iss",
    "jti",
    "name",
    "sid",
    "sub",
    "uid",
  ]);
  expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(3600);
});

const refused: [string, () => string | Promise<string>][] = [
  ["nothing", () => ""],
  ["garbage", () => "garbage"],
  ["three dots", () => "..."],
  ["no signature", () => `${headerOf()}.${payloadOf()}.`],
  ["a signature cut short", () => access.slice(0, -2)],
  [
    "another payload under the same signature",
    () => `${headerOf()}.${encode({ ...decodeJwt(access), sub: "2" })}.${signature()}`,
  ],
  ["a token of 20 kB", () => variant({ padding: "x".repeat(20_000) })],
  ["alg none", () => `${encode({ ...decodeProtectedHeader(access), alg: "none" })}.${payloadOf()}.`],
  [
    "HS256 signed with our public key",
    () => variant({}, { alg: "HS256" }, Buffer.from(publicX, "base64url")),
  ],
  [
    "HS256 signed with our public key as text",
    () => variant({}, { alg: "HS256" }, new TextEncoder().encode(publicX.padEnd(64))),
  ],
  [
    "another Ed25519 key with our kid",
    async () => variant({}, {}, (await generateKeyPair("EdDSA")).privateKey),
  ],
  [
    "an ES256 key with our kid",
    async () => variant({}, { alg: "ES256" }, (await generateKeyPair("ES256")).privateKey),
  ],
  [
    "a key embedded in the token",
    async () => {
      const { privateKey, publicKey } = await generateKeyPair("EdDSA");
      return variant({}, { jwk: await exportJWK(publicKey), kid: "brought" }, privateKey);
    },
  ],
  [
    "a key that the token links to",
    () => variant({}, { jku: "http://127.0.0.1:1/jwks.json", kid: "elsewhere" }),
  ],
  ["no kid", () => variant({}, { kid: undefined })],
  ["an unknown kid", () => variant({}, { kid: "unknown" })],
  ["a kid that is a path", () => variant({}, { kid: "../../etc/passwd" })],
  [
    "an unknown critical header",
    () => `${encode({ ...decodeProtectedHeader(access), crit: ["x"], x: 1 })}.${payloadOf()}.${signature()}`,
  ],
  ["another type", () => variant({}, { typ: "JWT" })],
  ["no type", () => variant({}, { typ: undefined })],
  ["a refresh token", () => refresh],
  ["no exp", () => variant({ exp: undefined })],
  ["an exp that is text", () => variant({ exp: "9999999999" as never })],
  ["no iat", () => variant({ iat: undefined })],
  ["no jti", () => variant({ jti: undefined })],
  ["no sub", () => variant({ sub: undefined })],
  ["a sub that is not a number", () => variant({ sub: "1 or 1=1" })],
  ["no sid", () => variant({ sid: undefined })],
  ["a sid that is not a UUID", () => variant({ sid: "1" })],
  ["no name", () => variant({ name: undefined })],
  ["no issuer", () => variant({ iss: undefined })],
  ["another issuer", () => variant({ iss: "https://evil.example" })],
  ["our issuer in a list", () => variant({ iss: [decodeJwt(access).iss] as never })],
  ["no audience", () => variant({ aud: undefined })],
  ["another audience", () => variant({ aud: "another" })],
  ["not yet valid", () => variant({ nbf: now() + 60 })],
];

test.each(refused)("rejects %s", async (_, make) => {
  expect(await codeFor(await make())).toBe("token_invalid");
});

test("a token is valid until a few seconds after it expires, cached or not", async () => {
  const { access: mine } = await register();
  const unused = await variant({ ...decodeJwt(mine), jti: "unused" });
  expect((await node.auth.authenticate(mine)).expiresAt).toBe((decodeJwt(mine).exp ?? 0) * 1000);
  node.clock.pass(3600_000 + 3000);
  expect((await node.auth.authenticate(mine)).username).toBe("person2");
  node.clock.pass(4000);
  expect(await codeFor(mine)).toBe("token_expired");
  expect(await codeFor(unused)).toBe("token_expired");
});

test("a token for a session that does not exist or belongs to another user is rejected", async () => {
  const { access: mine } = await register();
  const { access: theirs } = await register();
  const claims = decodeJwt(mine);
  expect(await codeFor(await variant({ ...claims, sid: crypto.randomUUID() }))).toBe("session_ended");
  expect(await codeFor(await variant({ ...claims, sid: decodeJwt(theirs).sid }))).toBe("session_ended");
  expect(await codeFor(await variant({ ...claims, sub: "999999" }))).toBe("account_disabled");
});

test("a disabled user's token is rejected within 5 s, and accepted again once the user is enabled", async () => {
  const { access: mine } = await register();
  const { userId } = await node.auth.authenticate(mine);
  const disable = (at: Date | null) =>
    database.run((orm) => orm.update(users).set({ disabledAt: at }).where(eq(users.id, userId)));
  await disable(new Date());
  expect((await node.auth.authenticate(mine)).userId).toBe(userId); // the result is cached for 5 s
  node.clock.pass(5000);
  expect(await codeFor(mine)).toBe("account_disabled");
  await disable(null);
  node.clock.pass(5000);
  expect((await node.auth.authenticate(mine)).userId).toBe(userId);
});

test("an error never quotes the token", async () => {
  const secret = createHash("sha256").update("x").digest("hex");
  const error = await node.auth.authenticate(`a.${secret}.b`).catch((thrown) => thrown);
  expect(JSON.stringify({ ...error, message: error.message })).not.toContain(secret);
});
