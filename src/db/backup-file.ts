import fs from "node:fs";
import { dirname, join, resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { archiveDataDir } from "./backup.ts";
import { deskOf, type FromDesk } from "./backup-desk.ts";
import { DataDirHeld, ownDataDir } from "./owner.ts";
import { syncFile, syncFolder } from "./sync.ts";

/** A finished backup: its size in bytes, and how long commits waited for it, in milliseconds. */
export interface Backup {
  readonly bytes: number;
  readonly pausedMs: number;
}

/** The server refused to be backed up. The message says why. */
export class BackupRefused extends Error {
  override readonly name = "BackupRefused";
}

/**
 * Writes an embedded database to a new file, a gzipped tar archive, and syncs it, with the folder of files that people
 * uploaded, if any. Works while a server uses the database, and while nobody does.
 * @throws {DataDirHeld} if another command uses it, {BackupRefused}, or the file system's error if the file exists.
 */
export async function backUp(dir: string, file: string, files?: string): Promise<Backup> {
  const unfinished = `${file}.unfinished`;
  const fd = fs.openSync(file, "wx", 0o600); // reserves the name
  fs.closeSync(fd);
  try {
    // What is there already may be another user's file, or a link to one: a backup written into it would be theirs.
    fs.rmSync(unfinished, { force: true });
    const { pausedMs } = await withSteps(dir, (copied) =>
      pipeline(
        Readable.from(archiveDataDir(join(dir, "postgres"), copied, files)),
        createGzip({ level: 1 }),
        fs.createWriteStream(unfinished, { flags: "wx", mode: 0o600 }),
      ),
    );
    syncFile(unfinished);
    fs.renameSync(unfinished, file);
    syncFolder(dirname(resolve(file)));
    return { bytes: fs.statSync(file).size, pausedMs };
  } catch (error) {
    fs.rmSync(unfinished, { force: true });
    fs.rmSync(file, { force: true });
    throw error;
  }
}

type Copy = (copied: () => Promise<string | undefined>) => Promise<void>;

/** Copies while nobody else can use the database, or in the backup mode of the server that does. */
async function withSteps(dir: string, copy: Copy): Promise<{ pausedMs: number }> {
  let release: () => void;
  try {
    release = await ownDataDir(dir);
  } catch (error) {
    if (!(error instanceof DataDirHeld)) throw error;
    return askServer(dir, copy, error);
  }
  try {
    await copy(async () => undefined);
    return { pausedMs: 0 };
  } finally {
    release();
  }
}

async function askServer(dir: string, copy: Copy, held: DataDirHeld): Promise<{ pausedMs: number }> {
  let next = Promise.withResolvers<FromDesk>();
  let text = "";
  let isClosed = false;
  const early = () => new BackupRefused("the server ended before the backup was complete");
  const fail = () => {
    isClosed = true;
    next.reject(early());
  };
  const socket = await Bun.connect({
    unix: deskOf(dir),
    socket: {
      data(_, bytes) {
        text += bytes.toString();
        if (!text.endsWith("\n")) return;
        const message = JSON.parse(text) as FromDesk;
        text = "";
        if ("refused" in message) next.reject(new BackupRefused(message.refused));
        else next.resolve(message);
      },
      close: fail,
      error: fail,
    },
  }).catch(() => {
    throw held;
  });
  next.promise.catch(() => {}); // it is awaited in each step
  try {
    const started = await next.promise;
    let pausedMs = "started" in started ? started.pausedMs : 0;
    await copy(async () => {
      next = Promise.withResolvers();
      socket.write("copied\n");
      const stopped = await next.promise;
      if (!("label" in stopped)) throw new BackupRefused("the server did not end the backup");
      pausedMs += stopped.pausedMs;
      next.promise.catch(() => {});
      return stopped.label;
    });
    // Until here the server kept what was copied.
    if (isClosed) throw early();
    return { pausedMs };
  } finally {
    socket.end();
  }
}
