import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createRandom, type Random } from "../sim/random.ts";
import { memoryFolder } from "../support/folder.ts";
import { Disk } from "./disk.ts";
import { type Entry, readLog } from "./log.ts";
import type { Note } from "./workload.ts";

setDefaultTimeout(60_000);

// What a folder of files has left after a power failure, in a recording of what it asks of the file system.

const folder = memoryFolder();
let log: Entry[];

beforeAll(async () => {
  const root = join(folder.path, "data");
  mkdirSync(root, { recursive: true });
  const path = join(folder.path, "log");
  await Bun.write(path, "");
  const program = join(import.meta.dir, "storing.ts");
  const recorder = join(import.meta.dir, "recorder.ts");
  const child = Bun.spawn([process.execPath, "--preload", recorder, program], {
    env: { PATH: process.env.PATH, POWER_ROOT: root, POWER_LOG: path },
    stdio: ["ignore", "inherit", "inherit"],
  });
  expect(await child.exited).toBe(0);
  log = readLog(path);
});
afterAll(() => folder.remove());

/** Takes everything that was not synced. */
const WORST: Random = {
  ...createRandom(1),
  chance: () => false,
  below: () => 0,
  pick: <T>(list: readonly T[]) => list[0] as T,
};

test.each(["journal", "strict"] as const)(
  "an acknowledged file is whole after a power failure that takes all that was not synced (%s names)",
  (names) => {
    const disk = new Disk(names);
    const acknowledged: { readonly id: string; readonly hash: string }[] = [];
    const wrong: string[] = [];
    for (const entry of log) {
      const { operation } = entry;
      if (operation.do !== "note") {
        disk.apply(entry);
        continue;
      }
      acknowledged.push((operation.what as Extract<Note, { stored: object }>).stored);
      const left = join(folder.path, "left");
      disk.cut(left, WORST);
      for (const { id, hash } of acknowledged) {
        const path = join(left, "files", id.slice(0, 2), `${id}.original`);
        const found =
          existsSync(path) && new Bun.CryptoHasher("sha256").update(readFileSync(path)).digest("hex");
        if (found !== hash) wrong.push(`${id} is ${found ? "not whole" : "gone"}`);
      }
      rmSync(left, { recursive: true, force: true });
    }
    expect(acknowledged).toHaveLength(24);
    expect(wrong).toEqual([]);
  },
);
