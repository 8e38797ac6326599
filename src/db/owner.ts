import { Database as Sqlite, SQLiteError } from "bun:sqlite";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";

/** How long a second process waits for the lock: a process that is just ending may still hold it. */
const PATIENCE_MS = 500;

/** Another process owns the data directory; the message is one line that names it. */
export class DataDirHeld extends Error {
  override readonly name = "DataDirHeld";
}

/**
 * Makes this process the one owner of a data directory, which it creates where it is missing; two embedded databases
 * on one directory would lose each other's rows. The answer gives it up.
 *
 * The lock is the operating system's own, on the file `lock` beside the data, taken through SQLite, which has worked
 * out how to on every system. The kernel releases it when the process ends, however it ends: there is no stale lock
 * to judge by process ids, which are used again and which containers do not share. Who holds it is written to
 * `owner.json`, for people only.
 * @throws {DataDirHeld} where another process, or another part of this one, has it.
 */
export async function ownDataDir(dir: string): Promise<() => void> {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const owner = join(dir, "owner.json");
  const lock = takeLock(join(dir, "lock"), () => held(dir, read(owner)));
  write(owner);
  const release = () => {
    process.off("exit", release);
    rmSync(owner, { force: true });
    lock.close();
  };
  // Also keeps the lock from being collected as garbage, which would open it, where the caller forgets the answer.
  process.on("exit", release);
  return release;
}

const held = (dir: string, by: string) =>
  new DataDirHeld(`${dir} is in use by ${by}: stop that first, or set DATA_DIR to another folder`);

function takeLock(path: string, onHeld: () => Error): Sqlite {
  const lock = new Sqlite(path);
  try {
    lock.run(`pragma busy_timeout = ${PATIENCE_MS}`);
    lock.run("pragma journal_mode = memory"); // nothing is ever written: no file for it
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
  writeFileSync(unfinished, JSON.stringify(content));
  renameSync(unfinished, owner);
}

function read(owner: string): string {
  try {
    const { pid, host, since } = JSON.parse(readFileSync(owner, "utf8"));
    return `process ${pid} on ${host}, since ${since}`;
  } catch {
    return "another process"; // which is ending, or has only just begun
  }
}
