import { sql } from "drizzle-orm";
import { runOrRefuse } from "../db/away.ts";
import { type Orm, type Pool, rows } from "../db/database.ts";
import { skeletonOf } from "../lookalikes.ts";
import { integers } from "./sql.ts";

/** Few, because commits to these rooms wait for them. */
const BATCH = 200;
/** Bounds what one request does: the next one goes on from there. */
const BATCHES_MAX = 50;

/**
 * Stores what the names of new rooms look like. It runs when someone asks for rooms that look alike, so a commit that
 * creates a room does not pay for it. Rooms in a running commit are skipped: waiting for them could deadlock.
 */
export function createSkeletons(pool: Pool): { fill(): Promise<void> } {
  let filling: Promise<void> | undefined;
  const fill = async () => {
    for (let batch = 0; batch < BATCHES_MAX; batch++)
      if ((await runOrRefuse(pool, (orm) => orm.transaction(fillSome))) < BATCH) return;
  };
  return { fill: () => (filling ??= fill().finally(() => (filling = undefined))) };
}

async function fillSome(tx: Orm): Promise<number> {
  const bare = await rows<{ id: number; name: string }>(
    tx,
    sql`select id::float8 as id, name from rooms where skeleton is null limit ${BATCH}::int for update skip locked`,
  );
  if (bare.length === 0) return 0;
  const named = JSON.stringify(bare.map(({ id, name }) => ({ id, skeleton: skeletonOf(name) })));
  await tx.execute(sql`
    update rooms r set skeleton = n.skeleton
    from json_to_recordset(${named}::text::json) as n(id bigint, skeleton text)
    where r.id = n.id and r.id = any(${integers(bare.map(({ id }) => id))})`);
  return bare.length;
}
