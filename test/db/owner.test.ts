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
/** Says `owner` or why not; an owner then stays until its standard input ends. */
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

/** Another process that wants the folder, and the first thing that it says. */
async function contender() {
  const child = Bun.spawn([process.execPath, "-e", SCRIPT, folder.path], { stdin: "pipe", stdout: "pipe" });
  processes.push(child);
  const { value } = await child.stdout.getReader().read();
  return { child, said: new TextDecoder().decode(value).trim() };
}

test("of twenty processes at once exactly one becomes the owner, and the others name it", async () => {
  const contenders = await Promise.all(Array.from({ length: 20 }, contender));
  const [owner, ...more] = contenders.filter(({ said }) => said === "owner");
  expect(more).toEqual([]);
  const others = contenders.filter((other) => other !== owner);
  expect(others).toHaveLength(19);
  for (const { said } of others) expect(said).toContain(`in use by process ${owner?.child.pid} on`);
});

test("what a killed process held is free, whoever has its process id now", async () => {
  const { child, said } = await contender();
  expect(said).toBe("owner");
  child.kill("SIGKILL");
  await child.exited;
  expect(await Bun.file(join(folder.path, "owner.json")).json()).toMatchObject({ pid: child.pid });
  // The note that it left behind names a process that lives, as it would where ids are used again: nobody asks it.
  await Bun.write(
    join(folder.path, "owner.json"),
    JSON.stringify({ pid: process.pid, host: "x", since: "" }),
  );

  const contenders = await Promise.all(Array.from({ length: 5 }, contender));
  expect(contenders.filter((contender) => contender.said === "owner")).toHaveLength(1);
});

test("what a living process holds is never taken over, although its note is gone", async () => {
  expect((await contender()).said).toBe("owner");
  await Bun.file(join(folder.path, "owner.json")).delete();
  await expect(ownDataDir(folder.path)).rejects.toThrow("in use by another process");
});

test("a process that stalls keeps what it has", async () => {
  const { child } = await contender();
  child.kill("SIGSTOP");
  await expect(ownDataDir(folder.path)).rejects.toBeInstanceOf(DataDirHeld);
  child.kill("SIGCONT");
});

test("two parts of one process do not own it both, and what was given up is free", async () => {
  const release = await ownDataDir(folder.path);
  await expect(ownDataDir(folder.path)).rejects.toThrow(`in use by process ${process.pid} on`);
  release();
  expect(await Bun.file(join(folder.path, "owner.json")).exists()).toBe(false);
  (await ownDataDir(folder.path))();
});

test("a new data directory is nobody else's to read", async () => {
  (await ownDataDir(folder.path))();
  const mode = (await Bun.file(folder.path).stat()).mode & 0o777;
  expect(mode).toBe(0o700);
});

test("a folder that cannot be locked is an error, not an owner", async () => {
  await mkdir(join(folder.path, "lock"), { recursive: true });
  await expect(ownDataDir(folder.path)).rejects.not.toBeInstanceOf(DataDirHeld);
});
