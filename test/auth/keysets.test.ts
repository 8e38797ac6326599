import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { exportJWK, generateKeyPair, importJWK, SignJWT } from "jose";
import { freshDatabase, type TestDatabase } from "../support/database.ts";
import { type Key, makeKey, startProvider } from "./keyserver.ts";
import { codeOf, startNode, until } from "./node.ts";

// Key sets as real identity providers publish them, good and bad.

const MINUTE = 60_000;

let database: TestDatabase;
let provider: ReturnType<typeof startProvider>;
let first: Key;
let second: Key;
let node: Awaited<ReturnType<typeof startNode>>;

beforeAll(async () => {
  database = await freshDatabase();
  [first, second] = await Promise.all([makeKey("first"), makeKey("second", "RS256")]);
});
afterAll(() => database.close());
beforeEach(async () => {
  provider = startProvider();
  node = await startNode(database, {
    AUTH_JWKS_URL: provider.url,
    AUTH_ISSUER: "https://id.example.com/",
    AUTH_AUDIENCE: "chat",
  });
});
afterEach(() => {
  node.auth.stop();
  provider.stop();
});

let tokens = 0;
const tokenOf = ({ privateKey, alg }: Key, kid: string | null) =>
  new SignJWT({ jti: String(++tokens) })
    .setProtectedHeader({ alg, ...(kid !== null && { kid }) })
    .setIssuer("https://id.example.com/")
    .setAudience("chat")
    .setSubject("u-1")
    .setIssuedAt(node.clock.now() / 1000)
    .setExpirationTime(node.clock.now() / 1000 + 3600)
    .sign(privateKey);
/** Presents a token of that key. Returns `ok`, or the code of the refusal. */
const enter = async (key: Key, kid: string | null = key.kid) =>
  codeOf(node.auth.authenticate(await tokenOf(key, kid)).then(() => "ok"));
const logged = (event: string) => node.lines.filter((line) => line.event === event);

test("two keys with one kid both verify, and so does a key that the set contains twice", async () => {
  const twin = await makeKey("first");
  const other = await makeKey("first", "RS256");
  provider.keys = [first.jwk, twin.jwk, first.jwk, other.jwk];
  for (const key of [first, twin, other]) expect(await enter(key)).toBe("ok");
  expect(await enter(await makeKey("first"))).toBe("token_invalid");
});

test.each(["EdDSA", "Ed25519", "ES256", "ES384", "ES512"])(
  "a key for %s verifies tokens, whether or not it names its algorithm",
  async (alg) => {
    const key = await makeKey("key", alg);
    provider.keys = [key.jwk];
    expect(await enter(key)).toBe("ok");
    provider.keys = [{ ...key.jwk, alg: undefined }];
    node.clock.pass(5 * MINUTE);
    expect(await enter(key)).toBe("ok");
  },
);

test("an RSA key without an algorithm verifies all of its kind, and one with an algorithm only that", async () => {
  const other = { ...second, alg: "PS384" };
  provider.keys = [second.jwk];
  expect(await enter(second)).toBe("ok");
  provider.keys = [{ ...second.jwk, alg: undefined }];
  node.clock.pass(5 * MINUTE);
  expect(await enter(second)).toBe("ok");
  expect(await enter(await reimported(other))).toBe("ok");
  provider.keys = [second.jwk];
  node.clock.pass(5 * MINUTE);
  expect(await enter(await reimported(other))).toBe("token_invalid");
});

/** The same private key for another algorithm. */
const reimported = async (key: Key): Promise<Key> => ({
  ...key,
  privateKey: (await importJWK(await exportJWK(key.privateKey), key.alg)) as CryptoKey,
});

test("a key without a kid verifies tokens with any kid, after the key with that kid", async () => {
  provider.keys = [{ ...first.jwk, kid: undefined }, second.jwk];
  expect(await enter(first)).toBe("ok");
  expect(await enter(first, null)).toBe("ok");
  expect(await enter(second)).toBe("ok");
});

test("a token without a kid is tried with at most eight keys", async () => {
  const keys = await Promise.all(Array.from({ length: 9 }, (_, at) => makeKey(`key-${at}`)));
  provider.keys = keys.map(({ jwk }) => jwk);
  expect(await enter(keys[7]!, null)).toBe("ok");
  expect(await enter(keys[8]!, null)).toBe("token_invalid");
  expect(await enter(keys[8]!)).toBe("ok");
});

test("bad members are skipped and logged once, and the good ones work", async () => {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const rsa = (bytes: number) => ({
    kty: "RSA",
    n: Buffer.alloc(bytes, 255).toString("base64url"),
    e: "AQAB",
  });
  provider.keys = [
    null,
    "key",
    {},
    { kty: "oct", k: "c2VjcmV0", alg: "HS256" },
    { ...(await exportJWK(privateKey)), kid: "leaked" },
    { kty: "EC", crv: "P-256", x: "AA", y: "AA" },
    { kty: "EC", crv: "secp256k1", x: "AA", y: "AA" },
    { ...first.jwk, kid: 7 },
    rsa(128),
    rsa(1025),
    { ...second.jwk, use: "enc" },
    first.jwk,
  ] as object[];
  expect(await enter(first)).toBe("ok");
  expect(await enter(second)).toBe("token_invalid");
  node.clock.pass(5 * MINUTE);
  expect(await enter(first)).toBe("ok");
  expect(provider.requests).toBe(2);
  const [line, ...more] = logged("keyset_skipped");
  expect(more).toEqual([]);
  expect(line).toMatchObject({
    level: 40,
    count: 10,
    skipped: [
      { at: 0, why: "is not a key" },
      { at: 1, why: "is not a key" },
      { at: 2, why: "is not a key" },
      { at: 3, why: "has private parts" },
      { at: 4, why: "has private parts" },
      { at: 5, why: "cannot be imported" },
      { at: 6, why: "is of a kind that signs no tokens" },
      { at: 7, why: "is not a key" },
      { at: 8, why: "has fewer than 2048 or more than 8192 bits" },
      { at: 9, why: "has fewer than 2048 or more than 8192 bits" },
    ],
  });
});

test("a set of which every member is bad does not replace the last good one", async () => {
  provider.keys = [first.jwk];
  expect(await enter(first)).toBe("ok");
  provider.keys = [null, {}] as object[];
  node.clock.pass(5 * MINUTE);
  expect(await enter(first)).toBe("ok");
  expect(await enter(second)).toBe("unavailable");
});

test("a set without end is not read, and only the first hundred members of a long one are", async () => {
  provider.answer = () =>
    new Response(new ReadableStream({ pull: (body) => body.enqueue(new Uint8Array(65_536)) }));
  expect(await enter(first)).toBe("unavailable");
  expect(node.lines.at(-1)).toMatchObject({ reason: "larger than 512 KiB" });
  provider.answer = undefined;
  const many = await Promise.all(Array.from({ length: 99 }, (_, at) => makeKey(`key-${at}`, "EdDSA")));
  provider.keys = [...many.map(({ jwk }) => jwk), first.jwk, second.jwk];
  node.clock.pass(10_000);
  expect(await enter(first)).toBe("ok");
  expect(await enter(second)).toBe("token_invalid");
});

test("a redirect is not followed, even to a good set", async () => {
  const elsewhere = startProvider();
  elsewhere.keys = [first.jwk];
  provider.answer = () => Response.redirect(elsewhere.url);
  expect(await enter(first)).toBe("unavailable");
  expect([provider.requests, elsewhere.requests]).toEqual([1, 0]);
  elsewhere.stop();
});

// The message of a refused redirect quotes the whole URL, and that of a syntax error what it stumbled over.
test("neither the URL of a key set nor what its provider sends gets into the log", async () => {
  const url = `${provider.url}?key=a-secret`;
  const lines: Record<string, unknown>[] = [];
  const answers = [
    Response.redirect(url),
    new Response(`a${"-secret".repeat(9)}`),
    Response.json("a-secret"),
  ];
  for (const answer of answers) {
    provider.answer = () => answer;
    const at = await startNode(database, { ...node.config, AUTH_JWKS_URL: url });
    expect(await codeOf(at.auth.authenticate(await tokenOf(first, first.kid)))).toBe("unavailable");
    lines.push(...at.lines);
    at.auth.stop();
  }
  expect(lines.map(({ reason }) => reason)).toEqual([
    "UnexpectedRedirect",
    "it is not a key set in JSON",
    "it is not a key set in JSON",
  ]);
  expect(JSON.stringify(lines)).not.toContain("secret");
});

test("a provider that restarts with a new key under the same kid is believed after one reread, with a line in the log", async () => {
  provider.keys = [first.jwk];
  expect(await enter(first)).toBe("ok");
  const restarted = await makeKey("first");
  provider.keys = [restarted.jwk];
  node.clock.pass(10_000);
  expect(await Promise.all(Array.from({ length: 20 }, () => enter(restarted)))).toEqual(Array(20).fill("ok"));
  expect(provider.requests).toBe(2);
  expect(await enter(first)).toBe("token_invalid");
  expect(logged("keyset_doubted")).toMatchObject([{ level: 40, kid: "first" }]);
});

test("forged signatures make us read the key set at most every 10 s", async () => {
  provider.keys = [first.jwk];
  const forger = await makeKey("first");
  for (let round = 0; round < 3; round++) {
    for (let times = 0; times < 10; times++) expect(await enter(forger)).toBe("token_invalid");
    node.clock.pass(10_000);
  }
  expect(provider.requests).toBe(3);
  expect(logged("keyset_doubted")).toHaveLength(2);
});

test("a bad signature while the set cannot be read may be a new key's: it is not called invalid", async () => {
  provider.keys = [first.jwk];
  expect(await enter(first)).toBe("ok");
  provider.answer = () => new Response("", { status: 503 });
  node.clock.pass(10_000);
  expect(await enter(await makeKey("first"))).toBe("unavailable");
});

test("a provider that fails and then answers nothing holds up one request, not every request", async () => {
  provider.keys = [first.jwk];
  const token = await tokenOf(first, first.kid);
  await node.auth.authenticate(token);
  node.clock.pass(5 * MINUTE);
  provider.answer = () => new Response("", { status: 503 });
  await node.auth.authenticate(token);
  const silence = Promise.withResolvers<Response>();
  provider.answer = () => silence.promise;
  node.clock.pass(10_000);
  await node.auth.authenticate(token);
  await until(() => provider.requests === 3);
  await node.auth.authenticate(token); // it would wait for the answer here
  silence.resolve(new Response("", { status: 503 }));
});

test("open sockets lose a key that was removed, though nobody presents a token meanwhile", async () => {
  provider.keys = [first.jwk, second.jwk];
  const logins = [];
  for (const key of [first, second]) logins.push(await node.auth.authenticate(await tokenOf(key, key.kid)));
  expect(await node.auth.standing.ask(logins)).toEqual(["alive", "alive"]);
  provider.keys = [second.jwk];
  node.clock.pass(5 * MINUTE);
  await node.auth.standing.ask(logins);
  while (provider.requests < 2 || (await node.auth.standing.ask(logins))[0] === "alive");
  expect(await node.auth.standing.ask(logins)).toEqual(["session_ended", "alive"]);
});
