import { eq } from "drizzle-orm";
import { type Clock, every } from "../clock.ts";
import type { Database, Pool } from "./database.ts";
import { meta } from "./schema.ts";
import { DatabaseUnusable } from "./unusable.ts";

/**
 * The form of the data that this program knows. Programs that only know an older one would break a promise, for example
 * show a private room to everyone. So a migration that they must not run with sets `generation` in `meta` to the next
 * number, which becomes this one.
 */
const GENERATION = 4;

/** How often a node looks whether another one has migrated the database, in milliseconds. */
const LOOK_MS = 1_000;

/** @throws {DatabaseUnusable} if the database needs a newer program. */
export async function requireGeneration(pool: Pool): Promise<void> {
  const [row] = await pool.run((orm) =>
    orm.select({ value: meta.value }).from(meta).where(eq(meta.name, "generation")),
  );
  if (Number(row?.value ?? 0) > GENERATION)
    throw new DatabaseUnusable(
      "A newer version of Parley has migrated this database: start that version, and stop all nodes of this one",
    );
}

/** Watches for a migration to a newer generation while this node runs. */
export interface GenerationWatch {
  /** Rejects with {@link DatabaseUnusable}: then this process has to end. */
  readonly passed: Promise<never>;
  stop(): void;
}

export function watchGeneration(database: Database, clock: Clock): GenerationWatch {
  const passed = Promise.withResolvers<never>();
  passed.promise.catch(() => {}); // whoever ends the process listens
  // Nobody else uses an embedded database.
  if (database.driver === "pglite") return { passed: passed.promise, stop() {} };
  const stop = every(clock, LOOK_MS, () =>
    requireGeneration(database).catch((error: unknown) => {
      if (error instanceof DatabaseUnusable) passed.reject(error);
    }),
  );
  return { passed: passed.promise, stop };
}
