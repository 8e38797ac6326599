import {
  and,
  eq,
  gt,
  inArray,
  type InferInsertModel,
  type InferSelectModel,
  isNull,
  ne,
  or,
  type SQL,
  sql,
} from "drizzle-orm";
import type { Orm, Pool } from "../db/database.ts";
import { users } from "../db/schema.ts";
import { foldOf, skeletonOf, skeletonsLike } from "../lookalikes.ts";

export type User = InferSelectModel<typeof users>;
export type NewUser = Omit<
  InferInsertModel<typeof users>,
  "username" | "usernameFold" | "skeleton" | "capitals" | "describedAt"
> & { readonly describedAt?: Date | SQL };

/** Returns the skeletons that are stored for a name. `capitals` is null if it is the same as `skeleton`. */
function looksOf(name: string): { skeleton: string; capitals: string | null } {
  const [skeleton, capitals] = skeletonsLike(name);
  return { skeleton, capitals: capitals === skeleton ? null : capitals };
}

/**
 * Creates a user under the first name that is free and looks like no other. If that fails, returns what was taken: all
 * the names, or another unique value (the email, or issuer and subject). Call it in a transaction.
 */
export async function insertUser(
  orm: Orm,
  values: NewUser,
  names: Iterable<string>,
): Promise<User | "names taken" | "values taken"> {
  for (const username of names) {
    const named = await looksFor(orm, username);
    if (!named) continue;
    const name = values.name === username ? null : values.name;
    const [user] = await orm
      .insert(users)
      .values({ ...values, name, ...named })
      .onConflictDoNothing()
      .returning();
    if (user) return user;
    if (!(await isTaken(orm, username))) return "values taken";
  }
  return "names taken";
}

/**
 * Returns the columns of a username that looks like nobody's except that of the person `own`, or undefined if it is taken.
 * Nobody else can take it until the transaction ends.
 */
export async function looksFor(orm: Orm, username: string, own?: number) {
  if (await isTaken(orm, username, own)) return undefined;
  // Names that look alike share a skeleton. So of two that come at once, the second one waits and sees the first.
  for (const like of skeletonsLike(username).toSorted())
    await orm.execute(sql`select pg_advisory_xact_lock(hashtextextended(${like}::text, 0))`);
  if (await isTaken(orm, username, own)) return undefined;
  return { username, usernameFold: foldOf(username), ...looksOf(username) };
}

async function isTaken(orm: Orm, username: string, own?: number): Promise<boolean> {
  const likes = skeletonsLike(username);
  const alike = or(
    eq(users.usernameFold, foldOf(username)),
    inArray(users.skeleton, likes),
    inArray(users.capitals, likes),
  );
  const others = own === undefined ? alike : and(alike, ne(users.id, own));
  return (await orm.select({ id: users.id }).from(users).where(others).limit(1)).length > 0;
}

/** How many people get their skeleton in one statement. */
const BATCH = 1_000;

/**
 * Stores what the names of older accounts look like, so that new names are compared with them too. Of older names that
 * look alike only the first is stored: the others stay as they are.
 */
export async function fillSkeletons(pool: Pool): Promise<void> {
  for (let after = 0; ;) {
    const batch = await pool.run((orm) =>
      orm
        .select({
          id: users.id,
          fold: users.usernameFold,
          written: sql<string>`case when erased_at is null then username else username_fold end`,
        })
        .from(users)
        .where(and(isNull(users.skeleton), gt(users.id, after)))
        .orderBy(users.id)
        .limit(BATCH),
    );
    const last = batch.at(-1);
    if (!last) return;
    after = last.id;
    const first = new Map(
      batch.toReversed().map(({ id, fold, written }) => {
        const { capitals } = looksOf(written);
        return [skeletonOf(fold), { id, capitals }];
      }),
    );
    // It fails if someone registers with such a name meanwhile, and then leaves that one out.
    await pool.run((orm) => fill(orm, first)).catch(() => pool.run((orm) => fill(orm, first)));
  }
}

type Older = ReadonlyMap<string, { readonly id: number; readonly capitals: string | null }>;

async function fill(orm: Orm, people: Older): Promise<void> {
  const named = JSON.stringify(Array.from(people, ([skeleton, person]) => ({ skeleton, ...person })));
  await orm.execute(sql`
    update users u set skeleton = n.skeleton, capitals = n.capitals
    from json_to_recordset(${named}::text::json) as n(id bigint, skeleton text, capitals text)
    where u.id = n.id and u.skeleton is null
      and not exists (select from users o where o.skeleton = n.skeleton)`);
}
