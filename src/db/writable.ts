import { sql } from "drizzle-orm";
import { type Database, isReadOnly, type Pool, rows, sqlState } from "./database.ts";

/**
 * Returns why the database accepts no writes right now, or undefined if it does.
 *
 * Writes a row, because a server whose disk is full still reads, and one that was replaced by another still responds. The
 * embedded database says it without a write, which would let its log grow: it turns read-only when its disk is full.
 */
export async function whyUnwritable(driver: Database["driver"], pool: Pool): Promise<string | undefined> {
  try {
    if (driver === "pglite") {
      const [found] = await pool.run((orm) =>
        rows<{ full: boolean }>(orm, sql`select current_setting('transaction_read_only') = 'on' as full`),
      );
      return found?.full ? FULL : undefined;
    }
    await pool.run((orm) =>
      rows(
        orm,
        sql`insert into meta (name, value) values ('probe', '') on conflict (name) do update set value = ''`,
      ),
    );
    return undefined;
  } catch (error) {
    if (isReadOnly(error)) return "the database is read-only";
    const state = sqlState(error) ?? "";
    if (state === "53100") return FULL;
    return /^(08|53|57|)$/.test(state.slice(0, 2))
      ? "the database does not answer"
      : "the database accepts no writes";
  }
}

const FULL = "the disk of the database is full";
