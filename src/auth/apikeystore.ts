import { and, asc, eq, inArray, isNull, lt, or, sql } from "drizzle-orm";
import { writeAudit } from "../db/audit.ts";
import type { Orm, Pool } from "../db/database.ts";
import { apiKeys } from "../db/schema.ts";
import { ago } from "../db/time.ts";
import { Refusal } from "../errors.ts";
import type { Order } from "../order.ts";
import { textFault } from "../protocol/text.ts";

/** The most characters of a name. */
const NAME_MAX = 64;

export interface ApiKey {
  readonly name: string;
  readonly scope: "admin";
  readonly createdAt: string;
  /** Exact to a minute. Null if it was never used. */
  readonly lastUsedAt: string | null;
  readonly revokedAt: string | null;
}

/** Stores a new key by its hash. @throws {Refusal} invalid if the name is taken, even by a revoked key. */
export const insertApiKey = (pool: Pool, name: string, hash: string, order: Order): Promise<void> =>
  pool.run((orm) =>
    orm.transaction(async (tx) => {
      const inserted = await tx
        .insert(apiKeys)
        .values({ name, scope: "admin", hash })
        .onConflictDoNothing()
        .returning({ id: apiKeys.id });
      if (inserted.length === 0)
        throw new Refusal("invalid", {
          detail: "A key with that name exists, or existed. Choose another name.",
          errors: { name: ["is taken"] },
        });
      await writeAudit(tx, [{ ...order, action: "api_key.create", target: name }]);
    }),
  );

/** Revokes a key. Running servers refuse it within seconds. @throws {Refusal} not_found. */
export async function revokeApiKey(pool: Pool, name: string, order: Order): Promise<void> {
  if (textFault(name, { max: NAME_MAX })) throw noSuchKey();
  await pool.run((orm) =>
    orm.transaction(async (tx) => {
      const revoked = await tx
        .update(apiKeys)
        .set({ revokedAt: sql`clock_timestamp()` })
        .where(and(eq(apiKeys.name, name), isNull(apiKeys.revokedAt)))
        .returning({ id: apiKeys.id });
      if (revoked.length === 0) throw noSuchKey();
      await writeAudit(tx, [{ ...order, action: "api_key.revoke", target: name }]);
    }),
  );
}

const noSuchKey = () =>
  new Refusal("not_found", { detail: "No key in use has that name. See parley api-key list." });

/** Returns every key ever created, oldest first. */
export async function listApiKeys(pool: Pool): Promise<ApiKey[]> {
  const found = await pool.run((orm) => orm.select().from(apiKeys).orderBy(asc(apiKeys.id)));
  return found.map(({ name, scope, createdAt, lastUsedAt, revokedAt }) => ({
    name,
    scope,
    createdAt: createdAt.toISOString(),
    lastUsedAt: lastUsedAt?.toISOString() ?? null,
    revokedAt: revokedAt?.toISOString() ?? null,
  }));
}

/** Returns the name of the key in use with each hash, in their order, in one query; null if there is none. */
export async function readApiKeys(orm: Orm, hashes: readonly string[]): Promise<(string | null)[]> {
  const found = await orm
    .select({ name: apiKeys.name, hash: apiKeys.hash })
    .from(apiKeys)
    .where(and(inArray(apiKeys.hash, [...hashes]), isNull(apiKeys.revokedAt)));
  const names = new Map(found.map(({ name, hash }) => [hash, name]));
  return hashes.map((hash) => names.get(hash) ?? null);
}

/** Notes that a key was used, unless another node has noted it within the last `everyMs`. */
export async function touchApiKey(orm: Orm, name: string, everyMs: number): Promise<void> {
  await orm
    .update(apiKeys)
    .set({ lastUsedAt: sql`clock_timestamp()` })
    .where(and(eq(apiKeys.name, name), or(isNull(apiKeys.lastUsedAt), lt(apiKeys.lastUsedAt, ago(everyMs)))));
}
