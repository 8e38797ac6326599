import fs from "node:fs";
import { join } from "node:path";
import { tarFile, tarFolder, tarText, TAR_END } from "./tar.ts";

/** What Postgres recreates at each start, as its own pg_basebackup leaves it out. Of these folders only the names are kept. */
const EMPTIED = /^(pg_dynshmem|pg_notify|pg_replslot|pg_serial|pg_snapshots|pg_stat_tmp|pg_subtrans|pg_wal)$/;
const LEFT_OUT = /(^|\/)(postmaster\.(pid|opts)|pg_internal\.init|pgsql_tmp.*|backup_label(\.old)?)$/;
const CONTROL = "global/pg_control";

/**
 * Yields a data directory as a tar archive with the folder `postgres`, while Postgres may write to it. `copied` is called
 * when everything but the log has been read. It ends Postgres's backup mode and returns the label of the backup; undefined
 * if nobody writes. The folder `files`, if given, becomes the folder of that name. It comes after the database, so it has every
 * file that the database names, if meanwhile none is removed.
 */
export async function* archiveDataDir(
  dataDir: string,
  copied: () => Promise<string | undefined>,
  files?: string,
): AsyncGenerator<Buffer> {
  const list = function* (folder: string): Generator<Buffer> {
    for (const entry of fs.readdirSync(join(dataDir, folder), { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (LEFT_OUT.test(path) || path === CONTROL) continue;
      if (fs.statSync(join(dataDir, path), { throwIfNoEntry: false })?.isDirectory()) {
        yield* tarFolder(`postgres/${path}`);
        if (!EMPTIED.test(path)) yield* list(path);
      } else yield* tarFile(`postgres/${path}`, join(dataDir, path));
    }
  };
  yield* tarFolder("postgres");
  yield* list("");
  yield* tarFile(`postgres/${CONTROL}`, join(dataDir, CONTROL));
  const label = await copied();
  if (label !== undefined) yield* tarText("postgres/backup_label", label);
  // The log comes last, because a restored database replays what was written while the files were read.
  for (const name of fs.readdirSync(join(dataDir, "pg_wal")))
    if (/^[0-9A-F]{8}(\.history|[0-9A-F]{16})$/.test(name))
      yield* tarFile(`postgres/pg_wal/${name}`, join(dataDir, "pg_wal", name));
  for (const name of ["archive_status", "summaries"]) yield* tarFolder(`postgres/pg_wal/${name}`);
  if (files !== undefined && fs.existsSync(files)) yield* archiveFiles(files);
  yield TAR_END;
}

/** The files that people uploaded: a folder of folders. */
function* archiveFiles(root: string): Generator<Buffer> {
  yield* tarFolder("files");
  for (const folder of fs.readdirSync(root, { withFileTypes: true })) {
    if (!folder.isDirectory()) continue;
    yield* tarFolder(`files/${folder.name}`);
    for (const entry of fs.readdirSync(join(root, folder.name), { withFileTypes: true }))
      if (entry.isFile())
        yield* tarFile(`files/${folder.name}/${entry.name}`, join(root, folder.name, entry.name));
  }
}
