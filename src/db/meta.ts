import { inArray } from "drizzle-orm";
import type { Pool } from "./database.ts";
import { meta } from "./schema.ts";

export interface Meta {
  /** Names the history that versions belong to. After a restore it is made anew: versions of another epoch mean nothing. */
  readonly epoch: string;
  /** Names this database, for ever: the issuer of its tokens where no PUBLIC_URL is set. */
  readonly instance: string;
}

const randomId = () => Buffer.from(crypto.getRandomValues(new Uint8Array(9))).toString("base64url");

/** Reads what names this database; makes it where it is missing, the same for all nodes that start at once. */
export async function loadMeta(pool: Pool): Promise<Meta> {
  const found = await pool.run(async (orm) => {
    await orm
      .insert(meta)
      .values([
        { name: "epoch", value: randomId() },
        { name: "instance", value: randomId() },
      ])
      .onConflictDoNothing();
    return orm
      .select()
      .from(meta)
      .where(inArray(meta.name, ["epoch", "instance"]));
  });
  const { epoch, instance } = Object.fromEntries(found.map(({ name, value }) => [name, value]));
  if (!epoch || !instance) throw new Error("the database has no epoch");
  return { epoch, instance };
}

/** Makes a new epoch: clients then drop what they hold and read anew. For after a restore or a lossy failover. */
export async function renewEpoch(pool: Pool): Promise<string> {
  const epoch = randomId();
  await pool.run((orm) =>
    orm
      .insert(meta)
      .values({ name: "epoch", value: epoch })
      .onConflictDoUpdate({ target: meta.name, set: { value: epoch } }),
  );
  return epoch;
}
