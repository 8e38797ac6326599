import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { memoryFolder } from "../support/folder.ts";
import { Disk } from "./disk.ts";
import type { Entry } from "./log.ts";
import { recordWorkload } from "./recording.ts";
import { smallTemplate } from "./template.ts";
import type { Note } from "./workload.ts";

setDefaultTimeout(120_000);

// The order of what reaches the disk, in a recording of the store's commits. `bun run test:power` shows that this order
// is enough.

const WAL = /^postgres\/pg_wal\/[0-9A-F]{24}$/;
/** What a checkpoint has to sync. The rest is recreated at each start, or is the log itself. */
const DATA = /^postgres\/(base|global|pg_xact|pg_multixact)\/(?!.*(pg_control|pg_internal\.init)$)/;

/** Where pg_control has the position of the last checkpoint, in bytes. Other writes, such as "shutting down", leave it. */
const CHECKPOINT = [32, 40] as const;

const folder = memoryFolder();
let log: Entry[];

beforeAll(async () => {
  mkdirSync(join(folder.path, "data"), { recursive: true });
  log = await recordWorkload({
    folder: join(folder.path, "data"),
    template: await smallTemplate(),
    log: join(folder.path, "log"),
    seed: 1,
    batches: 45, // with a checkpoint
    close: true,
  });
});
afterAll(() => folder.remove());

/** Carries out the recording on a simulated disk, and calls `before` with each operation and what it acts on. */
function replay(before: (entry: Entry, path: string | undefined, disk: Disk) => void) {
  const disk = new Disk("strict");
  for (const entry of log) {
    const { operation } = entry;
    const path = "fd" in operation && operation.fd !== undefined ? disk.pathOf(operation.fd) : undefined;
    before(entry, path, disk);
    disk.apply(entry);
  }
}

test("the last write of a commit to the log is synced before its answer leaves", () => {
  let commits = 0;
  let asked = false;
  let state: "nothing" | "written" | "synced" = "nothing";
  const late: number[] = [];
  replay(({ operation }, path) => {
    const note = operation.do === "note" ? (operation.what as Note) : undefined;
    if (note && "asked" in note) {
      asked = note.asked.length > 0;
      state = "nothing";
    }
    if (path && WAL.test(path)) {
      if (operation.do === "write") state = "written";
      if (operation.do === "sync" && state === "written") state = "synced";
    }
    if (note && "acked" in note && asked) {
      commits++;
      if (state !== "synced") late.push(commits);
    }
  });
  expect(commits).toBe(45);
  expect(late).toEqual([]);
});

test("a checkpoint is in pg_control only after every data file is synced", () => {
  let checkpoints = 0;
  let last: string | undefined;
  const early: string[] = [];
  const touched = new Set<string>();
  // The file of a dropped table is not synced: it is removed after the checkpoint.
  const removed = new Set(
    log.map(({ operation }) => (operation.do === "remove" ? operation.path : undefined)),
  );
  replay(({ operation, data }, path, disk) => {
    if (operation.do !== "write" || path === undefined) return;
    if (DATA.test(path)) touched.add(path);
    if (path !== "postgres/global/pg_control") return;
    const checkpoint = data.toString("hex", ...CHECKPOINT);
    if (last !== undefined && checkpoint !== last) {
      checkpoints++;
      early.push(...[...touched].filter((file) => !removed.has(file) && disk.isDirty(file)));
      touched.clear();
    }
    last = checkpoint;
  });
  expect(checkpoints).toBeGreaterThan(1);
  expect(early).toEqual([]);
});

test("a new data directory is synced as a whole before it gets its name, and then that name", () => {
  const unsynced = new Set<string>();
  let named = 0;
  let nameSynced = false;
  replay(({ operation }, path) => {
    if (operation.do === "create" && operation.path.startsWith("postgres.new/")) unsynced.add(operation.path);
    if (operation.do === "sync" && path) unsynced.delete(path);
    if (operation.do === "rename" && operation.to === "postgres") {
      named++;
      expect([...unsynced]).toEqual([]);
    } else if (named === 1 && operation.do === "sync" && path === "") nameSynced = true;
    else if (operation.do === "open" && operation.path === "postgres/global/pg_control" && named === 1)
      expect(nameSynced).toBe(true);
  });
  expect(named).toBe(1);
});
