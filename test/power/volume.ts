import { readdirSync, statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { loadConfig } from "../../src/config/config.ts";
import { rows } from "../../src/db/database.ts";
import { openDatabase } from "../../src/db/open.ts";
import { temporaryFolder } from "../support/folder.ts";
import { startParley } from "../support/process.ts";

// Whether a database stays in bounds over many messages.

const MIB = 2 ** 20;
const FILLER = join(import.meta.dir, "filler.ts");
const SAMPLE_MS = 250;
/** The bars: the log in MiB, bytes of data for each message, and a start after kill -9 in milliseconds. */
const LOG_MAX = 1_100;
const BYTES_MAX = 1_000;
const START_MAX_MS = 3_000;
const LIMIT_MS = 30 * 60_000;

/** Posts this many messages, kills the process, starts the server and counts. Returns what was measured and what is wrong. */
export async function measureVolume(count: number): Promise<{ lines: string[]; wrong: string[] }> {
  const folder = temporaryFolder();
  await mkdir(folder.path, { recursive: true });
  const filler = Bun.spawn([process.execPath, FILLER, folder.path], { stdout: "pipe", stderr: "inherit" });
  process.once("exit", () => filler.kill("SIGKILL"));
  const began = performance.now();
  let log = 0;
  const data = () => sizeOf(join(folder.path, "postgres")) - sizeOf(walOf(folder.path));
  const sample = setInterval(() => (log = Math.max(log, sizeOf(walOf(folder.path)))), SAMPLE_MS);
  let acked = 0;
  let shown = 0;
  const lines: string[] = [];
  for await (const text of filler.stdout.pipeThrough(new TextDecoderStream())) {
    acked = Number(text.trimEnd().split("\n").at(-1));
    if (acked >= shown + count / 10) {
      shown = acked;
      const seconds = (performance.now() - began) / 1000;
      console.log(
        `${acked} messages after ${Math.round(seconds)} s: log ${mib(log)} MiB at most, data ${mib(data())} MiB`,
      );
    }
    if (acked >= count) break;
  }
  clearInterval(sample);
  const seconds = (performance.now() - began) / 1000;
  filler.kill("SIGKILL");
  await filler.exited;
  const atKill = { log: sizeOf(walOf(folder.path)), data: data() };

  const startMs = await timeOfStart(folder.path);
  const laterMs = await timeOfStart(folder.path); // after a clean stop, for comparison
  const { stored, holes } = await countIn(folder.path);
  folder.remove();

  lines.push(
    `${acked} messages in ${Math.round(seconds)} s (${Math.round(acked / seconds)} a second), log ${mib(log)} MiB at most and ${mib(atKill.log)} at the end, ` +
      `data ${mib(atKill.data)} MiB (${Math.round(atKill.data / acked)} bytes a message), start ${Math.round(startMs)} ms after kill -9, ${Math.round(laterMs)} ms after a clean stop; ${stored} stored`,
  );
  const wrong = [
    acked < count && "the filler ended early",
    stored < acked && `${acked - stored} acknowledged messages are lost`,
    holes > 0 && `${holes} rooms have holes`,
    log > LOG_MAX * MIB && `the log grew to ${mib(log)} MiB`,
    atKill.data / acked > BYTES_MAX && `a message takes ${Math.round(atKill.data / acked)} bytes`,
    startMs > START_MAX_MS && `the start took ${Math.round(startMs)} ms`,
  ].filter((line) => line !== false);
  return { lines, wrong };
}

/** Starts the server, stops it, and returns how long the start took, in milliseconds. @throws {Error} if it is not ready. */
async function timeOfStart(dir: string): Promise<number> {
  const began = performance.now();
  const server = await startParley({ DATA_DIR: dir });
  const { ok } = await fetch(`${server.url}/readyz`);
  const ms = performance.now() - began;
  await server.end();
  if (!ok) throw new Error("the server is not ready");
  return ms;
}

const mib = (bytes: number) => Math.round(bytes / MIB);
const walOf = (dir: string) => join(dir, "postgres", "pg_wal");

/** Returns the bytes of all files below a folder. Files may disappear meanwhile. */
function sizeOf(folder: string): number {
  let bytes = 0;
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      bytes += entry.isDirectory() ? sizeOf(path) : statSync(path).size;
    }
  } catch {
    // It is gone, or not there yet.
  }
  return bytes;
}

/** Counts the messages, and the rooms in which they are not as many as the room's counter says. */
async function countIn(dir: string): Promise<{ stored: number; holes: number }> {
  const database = await openDatabase(loadConfig({ DATA_DIR: dir }));
  const pool = database.pool({ connections: 1, limitMs: LIMIT_MS });
  const [found] = await pool.run((orm) =>
    rows<{ stored: number; holes: number }>(
      orm,
      sql`select coalesce(sum(m.count), 0)::float8 as stored,
          count(*) filter (where m.count <> r.version or m.last <> r.version)::int as holes
        from rooms r cross join lateral (select count(*), max(id) as last from messages where room_id = r.id) m`,
    ),
  );
  await database.close();
  return found ?? { stored: 0, holes: -1 };
}
