import { asc, eq, sql } from "drizzle-orm";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from "jose";
import { ConfigError } from "../config/config.ts";
import { writeAudit } from "../db/audit.ts";
import { type Orm, type Pool, rows } from "../db/database.ts";
import { keys } from "../db/schema.ts";
import { Refusal } from "../errors.ts";
import type { Order } from "../order.ts";
import { revokeAllSessions } from "./sessionstore.ts";

/** An arbitrary advisory lock key that nothing else uses. */
const LOCK = 7_205_392_332;

export type KeyKind = "sign" | "refresh";

export interface StoredKey {
  readonly kid: string;
  readonly kind: KeyKind;
  /** `sign`: a JWK as JSON, only the public half if the key is configured. `refresh`: base64url. */
  readonly key: string;
  readonly retired: boolean;
  readonly revoked: boolean;
  /** Time since creation, in milliseconds, by the database's clock. */
  readonly age: number;
  /** Time since retirement, in milliseconds, by the database's clock; 0 if it is not retired. */
  readonly retiredFor: number;
}

/** A key as operators see it. */
export interface KeyInfo {
  readonly kid: string;
  readonly kind: KeyKind;
  readonly createdAt: string;
  readonly retiredAt: string | null;
  readonly revokedAt: string | null;
}

/** Returns every key ever created, oldest first. */
export async function readKeys(orm: Orm): Promise<StoredKey[]> {
  const since = (at: typeof keys.createdAt | typeof keys.retiredAt) =>
    sql<number>`coalesce(extract(epoch from clock_timestamp() - ${at}) * 1000, 0)::float8`;
  return orm
    .select({
      kid: keys.kid,
      kind: keys.kind,
      key: keys.key,
      retired: sql<boolean>`${keys.retiredAt} is not null`,
      revoked: sql<boolean>`${keys.revokedAt} is not null`,
      age: since(keys.createdAt),
      retiredFor: since(keys.retiredAt),
    })
    .from(keys)
    .orderBy(asc(keys.createdAt), asc(keys.kid));
}

/**
 * Creates missing keys, only once if several nodes start at the same time. `configured` is the public half of
 * a signing key from the configuration. It replaces the other signing keys. Storing it publishes it to all
 * nodes and to the readers of our key set.
 * @throws {ConfigError} if the configured key was revoked.
 */
export async function ensureKeys(pool: Pool, configured?: JWK): Promise<void> {
  await locked(pool, async (orm) => {
    const all = await readKeys(orm);
    const current = all.filter(({ retired }) => !retired);
    const kid = configured && (await calculateJwkThumbprint(configured));
    if (all.some((key) => key.kid === kid && key.revoked))
      throw new ConfigError(`JWT_PRIVATE_KEY is the key ${kid}, which was revoked: set another one`);
    if (!current.some(({ kind }) => kind === "refresh")) await addKey(orm, "refresh");
    if (configured) await addKey(orm, "sign", configured);
    else if (!current.some((key) => key.kind === "sign" && isPrivate(key))) await addKey(orm, "sign");
  });
}

/**
 * Creates a key, retires the others of its kind and returns the new key's id. Running servers switch to it
 * within seconds. Retired signing keys are accepted until the tokens they signed have expired, retired
 * refresh keys for as long as sessions last. A configured signing key must be changed in the configuration: a
 * starting server reinstates it.
 */
export const rotateKey = (pool: Pool, kind: KeyKind, order: Order): Promise<string> =>
  locked(pool, async (orm) => {
    const kid = await addKey(orm, kind);
    await writeAudit(orm, [{ ...order, action: "key.rotate", target: kid }]);
    return kid;
  });

/**
 * Revokes a key: from now on nothing that it signed is accepted. If it was in use, a new key takes its place. Revoking a
 * refresh key ends all sessions, because the thief could have continued any of them.
 * @throws {Refusal} not_found if there is no such key, or it was revoked already.
 */
export async function revokeKey(pool: Pool, kid: string, order: Order): Promise<Revoked> {
  const revoked = await locked(pool, async (orm) => {
    const key = (await readKeys(orm)).find((known) => known.kid === kid && !known.revoked);
    if (!key)
      throw new Refusal("not_found", { detail: "No key has that id, or it was revoked. See parley keys." });
    const now = sql`clock_timestamp()`;
    await orm
      .update(keys)
      .set({ revokedAt: now, retiredAt: sql`coalesce(${keys.retiredAt}, ${now})` })
      .where(eq(keys.kid, kid));
    const successor = key.retired ? undefined : await addKey(orm, key.kind);
    await writeAudit(orm, [{ ...order, action: "key.revoke", target: kid }]);
    return { kind: key.kind, successor };
  });
  return { ...revoked, sessions: revoked.kind === "refresh" ? await revokeAllSessions(pool) : 0 };
}

export interface Revoked {
  readonly kind: KeyKind;
  /** The id of the key that takes its place, if it was in use. */
  readonly successor: string | undefined;
  /** How many sessions ended. */
  readonly sessions: number;
}

/** Returns every key ever created, oldest first, without secrets. */
export async function listKeys(pool: Pool): Promise<KeyInfo[]> {
  const found = await pool.run((orm) =>
    orm
      .select({
        kid: keys.kid,
        kind: keys.kind,
        createdAt: keys.createdAt,
        retiredAt: keys.retiredAt,
        revokedAt: keys.revokedAt,
      })
      .from(keys)
      .orderBy(asc(keys.createdAt), asc(keys.kid)),
  );
  return found.map(({ kid, kind, createdAt, retiredAt, revokedAt }) => ({
    kid,
    kind,
    createdAt: createdAt.toISOString(),
    retiredAt: retiredAt?.toISOString() ?? null,
    revokedAt: revokedAt?.toISOString() ?? null,
  }));
}

/** Whether a stored signing key includes its private half. */
export const isPrivate = ({ key }: StoredKey) => "d" in (JSON.parse(key) as JWK);

async function addKey(orm: Orm, kind: KeyKind, given?: JWK): Promise<string> {
  const { kid, key } = kind === "refresh" ? newSecret() : await signingKey(given);
  await rows(
    orm,
    sql`update keys set retired_at = clock_timestamp() where kind = ${kind}::text and kid <> ${kid}::text and retired_at is null`,
  );
  await orm
    .insert(keys)
    .values({ kid, kind, key })
    .onConflictDoUpdate({ target: keys.kid, set: { retiredAt: null } });
  return kid;
}

function newSecret() {
  const random = (bytes: number) =>
    Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString("base64url");
  return { kid: random(12), key: random(32) };
}

async function signingKey(given?: JWK) {
  const jwk = given ?? (await exportJWK((await generateKeyPair("EdDSA", { extractable: true })).privateKey));
  return { kid: await calculateJwkThumbprint(jwk), key: JSON.stringify(jwk) };
}

const locked = <T>(pool: Pool, work: (orm: Orm) => Promise<T>): Promise<T> =>
  pool.run((orm) =>
    orm.transaction(async (tx) => {
      await rows(tx, sql`select pg_advisory_xact_lock(${LOCK}::bigint)`);
      return work(tx);
    }),
  );
