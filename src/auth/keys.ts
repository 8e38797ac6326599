import {
  calculateJwkThumbprint,
  exportJWK,
  importJWK,
  importPKCS8,
  type JSONWebKeySet,
  type JWK,
} from "jose";
import { type Clock, every } from "../clock.ts";
import { ConfigError } from "../config/config.ts";
import type { Pool } from "../db/database.ts";
import { Refusal } from "../errors.ts";
import type { Log } from "../log.ts";
import type { SecurityLog } from "../security.ts";
import { ensureKeys, isPrivate, type KeyKind, readKeys, type StoredKey } from "./keystore.ts";

/** How often the keys are reread. */
const REREAD_MS = 2000;
/** A new key signs only after this time, when every node has read it. Until then the previous key signs, if it may. */
const SETTLE_MS = 5000;
/** A token with an unknown key triggers a reread only if the last read is at least this old. */
const UNKNOWN_MS = 1000;
/** A retired key is accepted this much longer than its tokens live: nodes need time to switch keys. */
const RETIRED_MARGIN_MS = 60_000;

if (!(REREAD_MS < SETTLE_MS)) throw new Error("a new key must not sign before every node has read it");
if (!(SETTLE_MS + REREAD_MS < RETIRED_MARGIN_MS))
  throw new Error("a retired key must be accepted until every node has switched to the new one");

export interface SigningKey {
  readonly kid: string;
  readonly key: CryptoKey;
}

/** The keys of access tokens (Ed25519) and of refresh tokens (HMAC), kept in step with the database. */
export interface Keys {
  /** @throws {Refusal} unavailable in the first seconds after the only signing key was revoked. */
  signer(): SigningKey;
  /**
   * Returns the public key with that id. An unknown id triggers a reread, at most once a second.
   * @throws {Refusal} unavailable if the keys cannot be reread.
   */
  verifier(kid: string): Promise<CryptoKey | undefined>;
  /** Whether tokens signed with that key are still accepted. */
  accepts(kid: string): boolean;
  jwks(): JSONWebKeySet;
  /** Reads the keys now, because they have changed. */
  reread(): Promise<void>;
  /** The secret that signs refresh tokens. @throws {Refusal} unavailable, as for `signer`. */
  secret(): Buffer;
  /** The secrets that verify refresh tokens. */
  secrets(): readonly Buffer[];
  /** Whether another node may sign with a key that this one has not read, because it could not read the keys lately. */
  isBehind(): boolean;
  stop(): void;
}

interface KeysOptions {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly log: Log;
  /** The value of `JWT_PRIVATE_KEY`. */
  readonly configured: string | undefined;
  readonly accessTtlMs: number;
  readonly refreshTtlMs: number;
  readonly security: Pick<SecurityLog, "record">;
}

interface Ring {
  readonly signer: SigningKey | undefined;
  readonly verifiers: ReadonlyMap<string, { key: CryptoKey; jwk: JWK }>;
  readonly secret: Buffer | undefined;
  readonly secrets: readonly Buffer[];
  /** The ids of all keys, and of those that were revoked. */
  readonly known: ReadonlySet<string>;
  readonly revoked: ReadonlySet<string>;
}

/**
 * Reads the keys, creates missing ones, and rereads them every 2 s.
 * @throws {ConfigError} if `configured` is not a private Ed25519 key.
 */
export async function createKeys(options: KeysOptions): Promise<Keys> {
  const { pool, clock, log, security, configured, ...ttl } = options;
  const own = configured ? await readConfigured(configured) : undefined;
  await ensureKeys(pool, own && publicHalf(own.jwk));
  let ring = await read();
  let readAt = clock.monotonic();
  let reading: Promise<void> | undefined;

  async function read(): Promise<Ring> {
    const stored = await pool.run(readKeys);
    const isAlive = ({ kind, retired, revoked, retiredFor }: StoredKey) =>
      !revoked &&
      (!retired || retiredFor < (kind === "sign" ? ttl.accessTtlMs : ttl.refreshTtlMs) + RETIRED_MARGIN_MS);
    const alive = stored.filter(isAlive);
    const secrets = alive.filter(({ kind }) => kind === "refresh");
    const signing = alive.filter(({ kind }) => kind === "sign");
    const verifiers = new Map<string, { key: CryptoKey; jwk: JWK }>();
    for (const { kid, key } of signing) {
      const jwk = publicHalf(JSON.parse(key));
      verifiers.set(kid, { key: await importKey(jwk), jwk: { ...jwk, kid, use: "sig", alg: "EdDSA" } });
    }
    const wasRevoked = (kind: KeyKind) => stored.some((key) => key.kind === kind && key.revoked);
    const chosen = inUse(signing.filter(isPrivate), wasRevoked("sign"));
    const jwk =
      own && verifiers.has(own.kid) ? own : chosen && { kid: chosen.kid, jwk: JSON.parse(chosen.key) };
    const secret = inUse(secrets, wasRevoked("refresh"));
    return {
      signer: jwk && { kid: jwk.kid, key: await importKey(jwk.jwk) },
      verifiers,
      secret: secret && secretOf(secret),
      secrets: secrets.map(secretOf),
      known: new Set(stored.map(({ kid }) => kid)),
      revoked: new Set(stored.filter(({ revoked }) => revoked).map(({ kid }) => kid)),
    };
  }

  const reread = () =>
    (reading ??= (async () => {
      const before = ring;
      ring = await read();
      readAt = clock.monotonic();
      for (const kid of ring.known.difference(before.known)) security.record("key.rotate", { kid });
      for (const kid of ring.revoked.difference(before.revoked)) security.record("key.revoke", { kid });
    })().finally(() => (reading = undefined)));

  const stop = every(clock, REREAD_MS, () =>
    reread().catch((error: Error) => log.warn({ reason: error.name }, "the keys could not be read again")),
  );

  return {
    stop,
    reread,
    signer: () => ring.signer ?? notYet(),
    accepts: (kid) => ring.verifiers.has(kid),
    jwks: () => ({ keys: [...ring.verifiers.values()].map(({ jwk }) => jwk) }),
    secret: () => ring.secret ?? notYet(),
    secrets: () => ring.secrets,
    isBehind: () => clock.monotonic() - readAt >= SETTLE_MS,
    async verifier(kid) {
      const known = ring.verifiers.get(kid);
      if (known) return known.key;
      if (ring.revoked.has(kid)) return undefined;
      if (!reading && clock.monotonic() - readAt < UNKNOWN_MS) return undefined;
      await reread().catch(() => {
        throw keysAway();
      });
      return ring.verifiers.get(kid)?.key;
    },
  };
}

/**
 * Returns the newest key that has settled, or else, unless a key was revoked (`mustSettle`), the oldest one. The previous
 * key signs until the new one has settled, and not longer: its tokens have to expire before it is dropped.
 */
function inUse(able: readonly StoredKey[], mustSettle: boolean): StoredKey | undefined {
  const may = able.filter(({ retired, retiredFor }) => !retired || retiredFor < RETIRED_MARGIN_MS / 2);
  return may.findLast(({ age }) => age >= SETTLE_MS) ?? (mustSettle ? undefined : may[0]);
}

const secretOf = ({ key }: StoredKey) => Buffer.from(key, "base64url");

/** The refusal of what needs a key that cannot be read. */
export const keysAway = () =>
  new Refusal("unavailable", {
    detail: "The signing keys cannot be read right now. Try again soon.",
    retryAfterMs: REREAD_MS,
  });

function notYet(): never {
  throw new Refusal("unavailable", {
    detail: "A key was just revoked, and its successor is not in use yet. Try again soon.",
    retryAfterMs: SETTLE_MS,
  });
}

async function readConfigured(text: string): Promise<{ kid: string; jwk: JWK }> {
  try {
    const jwk: JWK = text.trimStart().startsWith("{")
      ? JSON.parse(text)
      : // Environment files write the line breaks of a PEM as \n.
        await exportJWK(await importPKCS8(text.replaceAll("\\n", "\n"), "EdDSA", { extractable: true }));
    if (jwk.kty !== "OKP" || jwk.crv !== "Ed25519" || !jwk.d) throw new Error("not a private Ed25519 key");
    await importKey(jwk);
    return { kid: await calculateJwkThumbprint(jwk), jwk };
  } catch {
    throw new ConfigError("JWT_PRIVATE_KEY must be a private Ed25519 key, as a JWK or as PKCS8 PEM");
  }
}

const publicHalf = ({ kty, crv, x }: JWK): JWK => ({ kty, crv, x }) as JWK;

const importKey = async (jwk: JWK): Promise<CryptoKey> => {
  const key = await importJWK(jwk, "EdDSA");
  if (key instanceof Uint8Array) throw new Error("not an asymmetric key");
  return key;
};
