import { rmSync } from "node:fs";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import type { Clock } from "../clock.ts";
import { faultOf } from "../errors.ts";
import type { Log } from "../log.ts";
import { type Database, rows } from "./database.ts";
import { whyUnwritable } from "./writable.ts";

/** Where a running server takes requests for backups, in the data directory. Anyone who can open it can read the data anyway. */
export const deskOf = (dir: string) => join(dir, "backup.sock");

/** What the server sends, one JSON object a line. `pausedMs` is how long commits waited in that step. */
export type FromDesk =
  | { readonly started: true; readonly pausedMs: number }
  | { readonly label: string; readonly pausedMs: number }
  | { readonly refused: string };

/** How long copying the database may take, in milliseconds. The log is kept for that long. */
const LIMIT_MS = 60 * 60_000;
/** How long copying the files may take after that. Files that nobody needs are kept for that long. */
const FILES_LIMIT_MS = 24 * 60 * 60_000;

interface DeskParts {
  readonly dir: string;
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  /** Keeps the log until the returned function is called. */
  pause(): () => void;
  /** Keeps the files that people uploaded until the returned function is called. */
  keepFiles(): () => void;
}

/**
 * Lets `parley backup` copy the embedded database while this process uses it. A connection starts Postgres's backup mode,
 * in which commits go on. A line from the client ends it: then the label is sent. Log and files are kept until the connection
 * closes. Returns a function that stops this.
 */
export function openBackupDesk({ dir, database, clock, log, pause, keepFiles }: DeskParts): () => void {
  if (database.driver !== "pglite") return () => {};
  const pool = database.pool({ connections: 1, limitMs: LIMIT_MS });
  let current: Bun.Socket | undefined;
  let release = () => {};
  let copying = false;

  const say = (socket: Bun.Socket, message: FromDesk) => void socket.write(`${JSON.stringify(message)}\n`);
  const refuse = (socket: Bun.Socket, refused: string) => {
    say(socket, { refused });
    socket.end();
  };

  async function start(socket: Bun.Socket): Promise<void> {
    if (current) return refuse(socket, "another backup is being made");
    current = socket;
    const ends = [pause(), keepFiles(), clock.after(LIMIT_MS, () => copying && socket.end())];
    ends.push(clock.after(LIMIT_MS + FILES_LIMIT_MS, () => socket.end()));
    release = () => {
      for (const end of ends) end();
    };
    const reason = await whyUnwritable("pglite", pool);
    if (reason) return refuse(socket, reason);
    const began = clock.monotonic();
    await pool.run((orm) => rows(orm, sql`select pg_backup_start('parley', true)::text`));
    copying = true;
    if (current !== socket) return void (await finish());
    say(socket, { started: true, pausedMs: clock.monotonic() - began });
  }

  /** Ends Postgres's backup mode, once. */
  async function finish(): Promise<string | undefined> {
    if (!copying) return undefined;
    copying = false;
    const [found] = await pool.run((orm) =>
      rows<{ label: string }>(orm, sql`select labelfile as label from pg_backup_stop(false)`),
    );
    return found?.label;
  }

  const failed = (socket: Bun.Socket) => () => refuse(socket, "the database failed");
  const path = deskOf(dir);
  rmSync(path, { force: true }); // of a process that was killed
  let listener: Bun.UnixSocketListener<undefined>;
  try {
    listener = Bun.listen({
      unix: path,
      socket: {
        open: (socket) => void start(socket).catch(failed(socket)),
        data(socket) {
          if (socket !== current || !copying) return;
          const began = clock.monotonic();
          finish()
            .then((label = "") => say(socket, { label, pausedMs: clock.monotonic() - began }))
            .catch(failed(socket));
        },
        close(socket) {
          if (socket !== current) return;
          current = undefined;
          release();
          void finish().catch(() => {});
        },
      },
    });
  } catch (error) {
    // A path of more than 107 bytes, or a file system without sockets.
    log.warn(
      { event: "backup_unavailable", fault: faultOf(error) },
      "parley backup cannot reach this server; stop it before a backup",
    );
    return () => {};
  }
  return () => {
    listener.stop(true);
    rmSync(path, { force: true });
  };
}
