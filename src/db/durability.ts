import { PGlite } from "@electric-sql/pglite";
import type { DataFS } from "./data-fs.ts";
import { NOT_DURABLE } from "./pglite-calls.ts";

/**
 * What makes a commit survive a power failure. By default Postgres syncs its log with fdatasync, which does nothing in
 * PGlite's WebAssembly.
 */
const DURABLE = {
  fsync: "on",
  wal_sync_method: "fsync",
  full_page_writes: "on",
  synchronous_commit: "on",
} as const;

/** How Postgres is started on a disk: like PGlite does, but without `-F`, which turns fsync off. */
export const START_PARAMS: readonly string[] = [
  ...PGlite.defaultStartParams.filter((param) => param !== "-F"),
  ...Object.entries(DURABLE).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
];

/**
 * Checks an open database before it serves, because another version of PGlite or Bun could take its durability away
 * without an error: the settings must be in force, and a commit must reach our fsync.
 * @throws {Error} with the code {@link NOT_DURABLE}.
 */
export async function requireDurable(database: PGlite, files: DataFS): Promise<void> {
  for (const [name, value] of Object.entries(DURABLE)) {
    const { rows } = await database.query<{ setting: string }>("select current_setting($1) as setting", [
      name,
    ]);
    if (rows[0]?.setting !== value) throw notDurable(`${name} is ${rows[0]?.setting}`);
  }
  const before = files.walSyncs;
  // Writes a record to the log, and nothing else.
  await database.query("select pg_logical_emit_message(true, 'parley', 'start')");
  if (files.walSyncs === before) throw notDurable("a commit was not synced");
}

const notDurable = (why: string) => Object.assign(new Error(why), { code: NOT_DURABLE });
