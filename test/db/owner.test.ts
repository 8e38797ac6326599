import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { DataDirHeld, ownDataDir } from "../../src/db/owner.ts";
import { temporaryFolder } from "../support/folder.ts";

setDefaultTimeout(30_000);

let folder: ReturnType<typeof temporaryFolder>;
const processes: Bun.Subprocess[] = [];

beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(async () => {
  for (const child of processes) child.kill("SIGKILL");
  await Promise.all(processes.splice(0).map(({ exited }) => exited));
  folder.remove();
});

const OWNER = JSON.stringify(join(import.meta.dir, "../../src/db/owner.ts"));
/** Prints `owner`, or the error. An owner then runs until its standard input ends. */
const SCRIPT = `
  const { ownDataDir } = await import(${OWNER});
  try {
    await ownDataDir(process.argv[1]);
    Bun.gc(true);
    console.log("owner");
    await Bun.stdin.text();
  } catch (error) {
    console.log(error.name + ": " + error.message);
  }`;

/** Starts another process that tries to own the folder. Returns it with its first output. */
async function contender() {
  const child = Bun.spawn([process.execPath, "-e", SCRIPT, folder.path], { stdin: "pipe", stdout: "pipe" });
  processes.push(child);
  const { value } = await child.stdout.getReader().read();
  return { child, said: new TextDecoder().decode(value).trim() };
}

test("of twenty concurrent processes exactly one becomes the owner, and the others name it", async () => {
  const contenders = await Promise.all(Array.from({ length: 20 }, contender));
  const [owner, ...more] = contenders.filter(({ said }) => said === "owner");
  expect(more).toEqual([]);
  const others = contenders.filter((other) => other !== owner);
  expect(others).toHaveLength(19);
  for (const { said } of others) expect(said).toContain(`in use by process ${owner?.child.pid} on`);
});

test("a killed process releases the folder, even if its process id is reused", async () => {
  const { child, said } = await contender();
  expect(said).toBe("owner");
  child.kill("SIGKILL");
  await child.exited;
  expect(await Bun.file(join(folder.path, "owner.json")).json()).toMatchObject({ pid: child.pid });
  // Make the leftover note name a live process, as after the reuse of an id. It must not matter.
  await Bun.write(
    join(folder.path, "owner.json"),
    JSON.stringify({ pid: process.pid, host: "x", since: "" }),
  );

  const contenders = await Promise.all(Array.from({ length: 5 }, contender));
  expect(contenders.filter((contender) => contender.said === "owner")).toHaveLength(1);
});

test("a folder owned by a live process is never taken over, even if its note is missing", async () => {
  expect((await contender()).said).toBe("owner");
  await Bun.file(join(folder.path, "owner.json")).delete();
  await expect(ownDataDir(folder.path)).rejects.toThrow("in use by another process");
});

test("a stalled process keeps the folder", async () => {
  const { child } = await contender();
  child.kill("SIGSTOP");
  await expect(ownDataDir(folder.path)).rejects.toBeInstanceOf(DataDirHeld);
  child.kill("SIGCONT");
});

test("two parts of one process cannot both own the folder, and it is free once released", async () => {
  const release = await ownDataDir(folder.path);
  await expect(ownDataDir(folder.path)).rejects.toThrow(`in use by process ${process.pid} on`);
  release();
  expect(await Bun.file(join(folder.path, "owner.json")).exists()).toBe(false);
  (await ownDataDir(folder.path))();
});

test("a new data directory is readable only by its owner", async () => {
  (await ownDataDir(folder.path))();
  const mode = (await Bun.file(folder.path).stat()).mode & 0o777;
  expect(mode).toBe(0o700);
});

test("a folder that cannot be locked is an unexpected error, not a held folder", async () => {
  await mkdir(join(folder.path, "lock"), { recursive: true });
  await expect(ownDataDir(folder.path)).rejects.not.toBeInstanceOf(DataDirHeld);
});
