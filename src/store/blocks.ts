import { sql } from "drizzle-orm";
import type { Block, BlockStore } from "../chat/moderationports.ts";
import { runOrRefuse } from "../db/away.ts";
import { type Pool, rows } from "../db/database.ts";
import { person, shownOf } from "./people.ts";
import { atMost, iso, lockWithin, texts } from "./sql.ts";

/** How long a block waits for the direct room, which a commit may hold for a moment, in milliseconds. */
const LOCK_MS = 2_000;

export function createBlockStore(pool: Pool): BlockStore {
  return {
    async block(userId, blockedId) {
      await runOrRefuse(pool, (orm) =>
        orm.transaction(async (tx) => {
          await rows(tx, sql`select ${lockWithin(LOCK_MS)}`);
          // Whoever makes a direct room of the two holds the same lock, so the room sees the block or the block the room.
          await rows(tx, lockPairs([[userId, blockedId]]));
          const made = await rows(
            tx,
            sql`insert into blocks (user_id, blocked_id) values (${userId}::bigint, ${blockedId}::bigint)
              on conflict do nothing returning 1`,
          );
          if (made.length > 0) await rows(tx, moveFence(userId, blockedId));
        }),
      );
    },

    async unblock(userId, blockedId) {
      await runOrRefuse(pool, (orm) =>
        rows(
          orm,
          sql`delete from blocks where user_id = ${userId}::bigint and blocked_id = ${blockedId}::bigint`,
        ),
      );
    },

    async blocks(userId, { after, limit }) {
      const found = await runOrRefuse(pool, (orm) =>
        rows<{ user: string; since: string }>(
          orm,
          sql`select ${person("u")} as user, ${iso(sql`b.at`)} as since
            from blocks b join users u on u.id = b.blocked_id
            where b.user_id = ${userId}::bigint and u.uid > ${after ?? ""}::text order by u.uid ${atMost(limit + 1)}`,
        ),
      );
      const entries = found.slice(0, limit).map(({ user, since }): Block => ({ user: shownOf(user), since }));
      return { entries, more: found.length > limit };
    },
  };
}

/** Holds locks until the transaction ends that stand for pairs of people. Take them before those of rooms. */
export function lockPairs(pairs: readonly (readonly [number, number])[]) {
  const names = pairs.map(([one, other]) => `pair ${Math.min(one, other)} ${Math.max(one, other)}`);
  return sql`select pg_advisory_xact_lock(hashtextextended(p.name, 0))
    from (select name from unnest(${texts(names)}) as n(name) order by name) p`;
}

/** Takes the rights in the direct room of two people from both. */
const moveFence = (one: number, other: number) => sql`
  update rooms r set fence = r.fence + 1
  from members a join members b on b.room_id = a.room_id and b.user_id = ${other}::bigint and b.state = 'in'
  where a.user_id = ${one}::bigint and a.state = 'in' and r.id = a.room_id and r.kind = 'direct'
    and not exists (
      select from members c where c.room_id = r.id and c.user_id not in (${one}::bigint, ${other}::bigint) and c.state = 'in')`;
