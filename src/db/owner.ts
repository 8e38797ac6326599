import { Database as Sqlite, SQLiteError } from "bun:sqlite";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { missingSpace } from "./disk.ts";
import { closeContents, closeFolder, DataDirUnusable } from "./private.ts";
import { syncNames } from "./sync.ts";

/** How long to wait for the lock, in case a process that is just exiting still holds it. */
const PATIENCE_MS = 500;
const PRIVATE = 0o600;

/** Another process owns the data directory. The message names it in one line. */
export class DataDirHeld extends Error {
  override readonly name = "DataDirHeld";
}

/**
 * Makes this process the only owner of a data directory, which is created if it is missing. Two embedded
 * databases in one directory would lose each other's rows. Returns a function that gives up ownership.
 *
 * Takes all permissions on the directory and its contents from other users. `onRepaired` gets the number of entries
 * that had some.
 *
 * The lock is an operating system lock on the file `lock` beside the data, taken through SQLite, which knows
 * how to lock files on every system. The kernel releases it however the process ends, so a lock is never
 * stale. Process ids could not tell: they are reused, and containers do not share them. `owner.json` names
 * the owner, for people only.
 * @throws {DataDirHeld} if another process, or another part of this one, owns it.
 * @throws {DataDirUnusable} if it cannot be created or protected, or its disk is full.
 */
export async function ownDataDir(
  dir: string,
  onRepaired: (entries: number) => void = () => {},
): Promise<() => void> {
  requireSpace(dir);
  const owner = join(dir, "owner.json");
  let lock: Sqlite | undefined;
  try {
    const first = mkdirSync(dir, { recursive: true, mode: 0o700 });
    if (first !== undefined) syncNames(resolve(dir), resolve(first));
    const folder = closeFolder(dir) ? 1 : 0;
    lock = takeLock(join(dir, "lock"), () => held(dir, read(owner)));
    const repaired = folder + closeContents(dir);
    if (repaired > 0) onRepaired(repaired);
    write(owner);
  } catch (error) {
    lock?.close();
    throw explain(dir, error);
  }
  const release = () => {
    process.off("exit", release);
    rmSync(owner, { force: true });
    lock?.close();
  };
  // This reference also protects the lock from garbage collection, which would release it.
  process.on("exit", release);
  return release;
}

function requireSpace(dir: string): void {
  const missing = missingSpace(dir, !existsSync(join(dir, "postgres")));
  if (missing === 0) return;
  throw new DataDirUnusable(
    `The disk of ${dir} is full: free at least ${missing} MiB and start again. The data is not affected`,
  );
}

const held = (dir: string, by: string) =>
  new DataDirHeld(`${dir} is in use by ${by}: stop it first, or set DATA_DIR to another folder`);

/** Explains what the file system refused. Passes other errors on. */
function explain(dir: string, error: unknown): unknown {
  const { code, message, path = dir } = error as NodeJS.ErrnoException;
  if (!/^(EACCES|EPERM|EROFS|ENOTDIR|EEXIST|ENOSPC|EDQUOT)$/.test(code ?? "")) return error;
  return new DataDirUnusable(
    `${path} cannot be used (${message}): let this user write to it, or set DATA_DIR to another folder`,
    { cause: error },
  );
}

function takeLock(path: string, onHeld: () => Error): Sqlite {
  closeSync(openSync(path, "a", PRIVATE));
  const lock = new Sqlite(path);
  try {
    lock.run(`pragma busy_timeout = ${PATIENCE_MS}`);
    lock.run("pragma journal_mode = memory"); // no journal file, because nothing is ever written
    lock.run("begin exclusive");
    return lock;
  } catch (error) {
    lock.close();
    throw error instanceof SQLiteError && error.code?.startsWith("SQLITE_BUSY") ? onHeld() : error;
  }
}

function write(owner: string): void {
  const unfinished = `${owner}.${process.pid}`;
  const content = { pid: process.pid, host: hostname(), since: new Date().toISOString() };
  writeFileSync(unfinished, JSON.stringify(content), { mode: PRIVATE });
  renameSync(unfinished, owner);
}

function read(owner: string): string {
  try {
    const { pid, host, since } = JSON.parse(readFileSync(owner, "utf8"));
    return `process ${pid} on ${host}, since ${since}`;
  } catch {
    return "another process"; // it is exiting or still starting
  }
}
