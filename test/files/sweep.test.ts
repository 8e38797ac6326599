import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Log } from "../../src/log.ts";
import { collect } from "../../src/files/collector.ts";
import { openDisk } from "../../src/files/disk.ts";
import type { Blobs } from "../../src/files/blobs.ts";
import type { FileStore } from "../../src/files/ports.ts";
import { sweep, sweepRegularly } from "../../src/files/sweep.ts";
import { createMetrics } from "../../src/metrics.ts";
import { createFileStore } from "../../src/store/files.ts";
import { post, type Stocked, stock } from "../chat/stocked.ts";
import { freshDatabase } from "../support/database.ts";
import { memoryFolder } from "../support/folder.ts";
import { handClock } from "../support/hand-clock.ts";
import { START_MS } from "../support/house.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(20_000);

// Content that no row leads to: an operator restored an older database, or put something there.

const ROOM = "lobby";
const LATER = { silentMs: 1e12, unsentMs: 1e12, strayMs: -1_000 };
const folder = memoryFolder();
const root = join(folder.path, "files");
const metrics = createMetrics();
let at: Stocked;
let store: FileStore;
let blobs: Blobs;

beforeAll(async () => {
  at = await stock(freshDatabase);
  await at.store.commit(0, [post(at.ada, ROOM, "hello")], false);
  store = createFileStore(at.database);
  blobs = await openDisk(root);
}, START_MS);
afterAll(async () => {
  await at.database.close();
  folder.remove();
});

const stored = () =>
  readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((name) => name.includes("."))
    .map((name) => name.replace(/^.*\//, ""))
    .sort();
const write = async (id = crypto.randomUUID() as string) => {
  await blobs.write(
    id,
    "original",
    (async function* () {
      yield Buffer.from("x");
    })(),
  );
  return id;
};

test("what no row leads to is found once, kept for a week, and removed; an upload under way is left alone", async () => {
  const stray = await write();
  const underWay = crypto.randomUUID();
  const attempt = { room: ROOM, userId: at.ada, clientId: crypto.randomUUID(), name: "a", size: 1 };
  await store.begin({ ...attempt, id: underWay }, { person: 1e9, room: 1e9 });
  await write(underWay);
  expect(await sweep({ store, blobs })).toBe(1);
  expect(await sweep({ store, blobs })).toBe(0);
  await collect({ store, blobs, metrics });
  expect(stored()).toEqual([`${stray}.original`, `${underWay}.original`].sort());
  await collect({ store, blobs, metrics }, LATER);
  expect(stored()).toEqual([`${underWay}.original`]);
  const content = { size: 1, hash: "", type: "text/plain", picture: null, sizes: { original: 1 } };
  expect(await store.complete(underWay, content)).toBe("done");
});

test("each node looks by itself, and says what it has found", async () => {
  const { clock, pass } = handClock();
  const lines: { event: string; found: number }[] = [];
  const log = { warn: (line: { event: string; found: number }) => void lines.push(line) } as unknown as Log;
  const stop = sweepRegularly({ store, blobs }, clock, log);
  await write();
  pass(6 * 3600_000);
  await until(() => lines.length > 0);
  expect(lines).toEqual([{ event: "stray_files", found: 1 }]);
  stop();
});
