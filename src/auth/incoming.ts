import { hash } from "node:crypto";
import { asc, eq, sql } from "drizzle-orm";
import type { Clock } from "../clock.ts";
import { writeAudit } from "../db/audit.ts";
import { type Orm, type Pool, rows } from "../db/database.ts";
import { incomingHooks, users } from "../db/schema.ts";
import { ago } from "../db/time.ts";
import { Refusal } from "../errors.ts";
import type { Identity } from "../identity.ts";
import { createLookup } from "../lookup.ts";
import type { Order } from "../order.ts";
import { personOf, type PersonRow } from "../person.ts";
import { isWellFormed, newToken } from "./apikeys.ts";
import { createUser } from "./erasure.ts";
import { namesFor } from "./usernames.ts";

/** The issuer of the people who sign what incoming hooks post. No token can have it. */
const ISSUER = "parley:incoming-hook";
/** How long a look-up of a secret is cached, and so how long a revoked hook still works, in milliseconds. */
const TTL_MS = 2_000;
const CACHE_MAX = 1_000;
const BATCH_MAX = 100;
/** How exactly the last use of a hook is known, in milliseconds. */
const USED_MS = 60_000;
const GOOD_MAX = 1_000;
/** The most that are in use. */
const HOOKS_MAX = 1_000;

/** A secret URL with which somebody else's program posts in a room. */
export interface IncomingHook {
  readonly id: string;
  readonly room: string;
  /** What people see as the sender. */
  readonly name: string;
  readonly username: string;
  readonly userId: number;
  readonly createdAt: Date;
  readonly createdBy: string;
  readonly lastUsedAt: Date | null;
  readonly revokedAt: Date | null;
}

/** Where a request with a secret may post, and as whom. */
export interface Incoming {
  readonly room: string;
  readonly identity: Identity;
}

export interface IncomingHooks {
  /** Creates a hook, with the person who signs what it posts. Nothing else ever returns its secret. @throws {Refusal} invalid, busy. */
  create(
    hook: { readonly room: string; readonly name: string },
    order: Order,
  ): Promise<{ readonly hook: IncomingHook; readonly secret: string }>;
  /** All hooks, the oldest first. Revoked ones stay. */
  list(): Promise<readonly IncomingHook[]>;
  /** Revokes a hook, and returns it. @throws {Refusal} not_found. */
  revoke(id: string, order: Order): Promise<IncomingHook>;
  /** Whether a secret was good before, or cannot be one. */
  knows(secret: string): boolean;
  /** @throws {Refusal} not_found if no hook in use has this secret. */
  identify(secret: string): Promise<Incoming>;
}

interface IncomingOptions {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly erasureKey: string;
}

interface Found extends PersonRow {
  readonly hash: string;
  readonly id: string;
  readonly room: string;
  readonly userId: number;
}

const hashOf = (secret: string) => hash("sha256", secret, "base64url");

export function createIncoming({ pool, clock, erasureKey }: IncomingOptions): IncomingHooks {
  const hooks = createLookup<string, Found | null>({
    clock,
    ttlMs: TTL_MS,
    max: CACHE_MAX,
    batch: BATCH_MAX,
    idOf: (key) => key,
    read: (hashes) => pool.run((orm) => readHooks(orm, hashes)),
  });
  const good = new Set<string>();
  const usedAt = new Map<string, number>();

  const noteUse = (id: string) => {
    const now = clock.monotonic();
    if (now - (usedAt.get(id) ?? -Infinity) < USED_MS) return;
    usedAt.set(id, now);
    // A hook works even while its use cannot be noted.
    void pool
      .run((orm) =>
        rows(
          orm,
          sql`update incoming_hooks set used_at = clock_timestamp()
            where id = ${id}::text::uuid and (used_at is null or used_at < ${ago(USED_MS)})`,
        ),
      )
      .catch(() => usedAt.delete(id));
  };

  const read = (orm: Orm, id: string | null): Promise<IncomingHook[]> =>
    orm
      .select({
        id: incomingHooks.id,
        room: incomingHooks.room,
        name: incomingHooks.name,
        username: users.username,
        userId: incomingHooks.userId,
        createdAt: incomingHooks.createdAt,
        createdBy: incomingHooks.createdBy,
        lastUsedAt: incomingHooks.usedAt,
        revokedAt: incomingHooks.revokedAt,
      })
      .from(incomingHooks)
      .innerJoin(users, eq(users.id, incomingHooks.userId))
      .where(id === null ? undefined : eq(incomingHooks.id, id))
      .orderBy(asc(incomingHooks.createdAt), asc(incomingHooks.id));

  return {
    async create({ room, name }, order) {
      const id = crypto.randomUUID();
      const secret = newToken();
      const hook = await pool.run((orm) =>
        orm.transaction(async (tx) => {
          // Two that are created at the same moment must not both be the last one.
          await rows(tx, sql`select pg_advisory_xact_lock(hashtextextended('incoming_hooks', 0))`);
          const used = await rows(
            tx,
            sql`select from incoming_hooks where revoked_at is null limit ${HOOKS_MAX}::int`,
          );
          if (used.length === HOOKS_MAX)
            throw new Refusal("invalid", {
              detail: `There are ${HOOKS_MAX} incoming hooks, the most there can be. Revoke one first.`,
            });
          const user = await createUser(
            tx,
            { issuer: ISSUER, subject: id, name },
            namesFor(name),
            erasureKey,
          );
          if (typeof user === "string") throw new Refusal("busy", { retryAfterMs: 100 });
          await rows(
            tx,
            sql`insert into incoming_hooks (id, hash, room, user_id, name, created_by)
              values (${id}::text::uuid, ${hashOf(secret)}::text, ${room}::text, ${user.id}::bigint, ${name}::text, ${order.actor}::text)`,
          );
          await writeAudit(tx, [{ ...order, action: "incoming_hook.create", userId: user.id, target: id }]);
          const [created] = await read(tx, id);
          return created as IncomingHook;
        }),
      );
      return { hook, secret };
    },

    list: () => pool.run((orm) => read(orm, null)),

    async revoke(id, order) {
      const hook = await pool.run((orm) =>
        orm.transaction(async (tx) => {
          const revoked = await rows<{ userId: number }>(
            tx,
            sql`update incoming_hooks set revoked_at = clock_timestamp()
              where id = ${id}::text::uuid and revoked_at is null returning user_id::float8 as "userId"`,
          );
          const [found] = revoked;
          if (!found) throw new Refusal("not_found", { detail: "No incoming hook in use has that id." });
          await writeAudit(tx, [
            { ...order, action: "incoming_hook.revoke", userId: found.userId, target: id },
          ]);
          return (await read(tx, id))[0] as IncomingHook;
        }),
      );
      hooks.forgetAll(() => true);
      return hook;
    },

    knows: (secret) => !isWellFormed(secret) || good.has(hashOf(secret)),

    async identify(secret) {
      const key = hashOf(secret);
      const found = isWellFormed(secret) ? await hooks.get(key) : null;
      good.delete(key);
      if (!found) throw new Refusal("not_found", { detail: "No incoming hook in use has this address." });
      good.add(key);
      if (good.size > GOOD_MAX) for (const eldest of good.keys().take(1)) good.delete(eldest);
      noteUse(found.id);
      const { room, userId, username } = found;
      return {
        room,
        identity: {
          ...{ userId, username, user: personOf(found), picture: null, sessionId: null },
          expiresAt: Infinity,
          grants: [{ match: room, allow: ["read", "post"] }],
        },
      };
    },
  };
}

/** Returns the hook in use with each hash, in their order, in one query; null if there is none. */
async function readHooks(orm: Orm, hashes: readonly string[]): Promise<(Found | null)[]> {
  const found = await rows<Found>(
    orm,
    sql`select i.hash, i.id::text as id, i.room, i.user_id::float8 as "userId", u.username, u.uid, u.name
      from json_array_elements_text(${JSON.stringify(hashes)}::text::json) h join incoming_hooks i on i.hash = h.value
      join users u on u.id = i.user_id
      where i.revoked_at is null and u.disabled_at is null and u.deleted_at is null and u.erased_at is null`,
  );
  const byHash = new Map(found.map((hook) => [hook.hash, hook]));
  return hashes.map((key) => byHash.get(key) ?? null);
}
