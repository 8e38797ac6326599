import { asc, sql } from "drizzle-orm";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from "jose";
import { type Orm, type Pool, rows } from "../db/database.ts";
import { keys } from "../db/schema.ts";

/** Any number that only this program locks by. */
const LOCK = 7_205_392_332;

export type KeyKind = "sign" | "refresh";

export interface StoredKey {
  readonly kid: string;
  readonly kind: KeyKind;
  /** A JWK as JSON (sign; only its public half where the private one came by configuration) or base64url (refresh). */
  readonly key: string;
  readonly retired: boolean;
  /** In milliseconds, by the database's clock. */
  readonly age: number;
  /** Since when it has been retired, in milliseconds, by the database's clock. */
  readonly retiredFor: number;
}

/** Every key there ever was, the eldest first. */
export async function readKeys(orm: Orm): Promise<StoredKey[]> {
  const since = (at: typeof keys.createdAt | typeof keys.retiredAt) =>
    sql<number>`coalesce(extract(epoch from clock_timestamp() - ${at}) * 1000, 0)::float8`;
  return orm
    .select({
      kid: keys.kid,
      kind: keys.kind,
      key: keys.key,
      retired: sql<boolean>`${keys.retiredAt} is not null`,
      age: since(keys.createdAt),
      retiredFor: since(keys.retiredAt),
    })
    .from(keys)
    .orderBy(asc(keys.createdAt), asc(keys.kid));
}

/**
 * Makes the keys that are missing; of nodes that start at once, the first makes them for all. `configured`: the public
 * half of a signing key from the configuration: it is published here, so that every node and everyone who reads our key
 * set knows it, and takes the place of the others.
 */
export async function ensureKeys(pool: Pool, configured?: JWK): Promise<void> {
  await locked(pool, async (orm) => {
    const current = (await readKeys(orm)).filter(({ retired }) => !retired);
    if (!current.some(({ kind }) => kind === "refresh")) await addKey(orm, "refresh");
    if (configured) await addKey(orm, "sign", configured);
    else if (!current.some((key) => key.kind === "sign" && isPrivate(key))) await addKey(orm, "sign");
  });
}

/**
 * Makes a new key and retires those of its kind: they go on being accepted until what they signed has expired, or for
 * as long as sessions last. Running servers move to it within seconds. Answers its id.
 * A signing key that comes by configuration is changed there: a server puts it first again when it starts.
 */
export const rotateKey = (pool: Pool, kind: KeyKind = "sign"): Promise<string> =>
  locked(pool, (orm) => addKey(orm, kind));

/** Whether a stored signing key can sign. */
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
