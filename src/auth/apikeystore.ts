import {
  and,
  asc,
  eq,
  getTableColumns,
  inArray,
  type InferSelectModel,
  isNull,
  lt,
  or,
  sql,
} from "drizzle-orm";
import { writeAudit } from "../db/audit.ts";
import type { Orm, Pool } from "../db/database.ts";
import { apiKeys } from "../db/schema.ts";
import { ago, fromNow } from "../db/time.ts";
import { Refusal } from "../errors.ts";
import type { Order } from "../order.ts";
import {
  type KeyHolder,
  keyHolder,
  type Scope,
  scopesStored,
  storedScopes,
  writtenScope,
} from "../scopes.ts";

/** The most characters of a name. */
export const NAME_MAX = 64;

export interface ApiKey {
  readonly name: string;
  readonly scopes: string[];
  /** How many times the budgets of a person it has. */
  readonly budget: number;
  readonly createdAt: string;
  /** Null: it is valid until it is revoked. */
  readonly expiresAt: string | null;
  /** Exact to a minute. Null if it was never used. */
  readonly lastUsedAt: string | null;
  readonly revokedAt: string | null;
}

export interface NewApiKey {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly budget: number;
  /** How long it is valid, in milliseconds; undefined: until it is revoked. */
  readonly ttlMs: number | undefined;
  /** When it expires at the latest. */
  readonly latest: Date | null;
}

/** Stores a new key by its hash. @throws {Refusal} invalid if the name is taken, even by a revoked key. */
export const insertApiKey = (
  pool: Pool,
  { name, scopes, budget, ttlMs, latest }: NewApiKey,
  hash: string,
  order: Order,
): Promise<ApiKey> =>
  pool.run((orm) =>
    orm.transaction(async (tx) => {
      const [inserted] = await tx
        .insert(apiKeys)
        .values({
          name,
          scope: storedScopes(scopes),
          hash,
          budget,
          expiresAt: sql`least(${latest?.toISOString() ?? null}::timestamptz, ${ttlMs === undefined ? sql`null` : fromNow(ttlMs)})`,
        })
        .onConflictDoNothing()
        .returning();
      if (!inserted)
        throw new Refusal("invalid", {
          detail: "A key with that name exists, or existed. Choose another name.",
          errors: { name: ["is taken"] },
        });
      await writeAudit(tx, [{ ...order, action: "api_key.create", target: name }]);
      return shown(inserted);
    }),
  );

/** Returns every key ever created, oldest first. */
export async function listApiKeys(pool: Pool): Promise<ApiKey[]> {
  return (await pool.run((orm) => orm.select().from(apiKeys).orderBy(asc(apiKeys.id)))).map(shown);
}

const shown = (key: InferSelectModel<typeof apiKeys>): ApiKey => ({
  name: key.name,
  scopes: scopesStored(key.scope).map(writtenScope),
  budget: key.budget,
  createdAt: key.createdAt.toISOString(),
  expiresAt: key.expiresAt?.toISOString() ?? null,
  lastUsedAt: key.lastUsedAt?.toISOString() ?? null,
  revokedAt: key.revokedAt?.toISOString() ?? null,
});

/** Returns the keys with these hashes that are not revoked, by hash, in one query. */
export async function readApiKeys(
  orm: Orm,
  hashes: readonly string[],
): Promise<ReadonlyMap<string, KeyHolder | "expired">> {
  const found = await orm
    .select({
      ...getTableColumns(apiKeys),
      expired: sql<boolean>`coalesce(${apiKeys.expiresAt} <= clock_timestamp(), false)`,
    })
    .from(apiKeys)
    .where(and(inArray(apiKeys.hash, [...hashes]), isNull(apiKeys.revokedAt)));
  return new Map(
    found.map(({ hash, scope, expired, ...key }) => [
      hash,
      expired ? "expired" : keyHolder({ ...key, scopes: scopesStored(scope) }),
    ]),
  );
}

/** Notes that a key was used, unless another node has noted it within the last `everyMs`. */
export async function touchApiKey(orm: Orm, name: string, everyMs: number): Promise<void> {
  await orm
    .update(apiKeys)
    .set({ lastUsedAt: sql`clock_timestamp()` })
    .where(and(eq(apiKeys.name, name), or(isNull(apiKeys.lastUsedAt), lt(apiKeys.lastUsedAt, ago(everyMs)))));
}
