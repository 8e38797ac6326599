import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, chownSync, lstatSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ownDataDir } from "../../src/db/owner.ts";
import { DataDirUnusable } from "../../src/db/private.ts";
import { createDataDir } from "../../src/db/template.ts";
import { api } from "../support/api.ts";
import { temporaryFolder } from "../support/folder.ts";
import { register } from "../support/people.ts";
import { runParley, startParley } from "../support/process.ts";
import { cachedTemplate } from "../support/template.ts";

setDefaultTimeout(60_000);

const NOBODY = 65_534;
const asRoot = process.geteuid?.() === 0;

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
  mkdirSync(folder.path, { recursive: true });
});
afterEach(() => folder.remove());

/** Returns the entries of a directory, itself included, that other users have permissions on. */
function open(dir: string): string[] {
  const entries = [
    dir,
    ...[...new Bun.Glob("**/*").scanSync({ cwd: dir, dot: true, onlyFiles: false })].map((path) =>
      join(dir, path),
    ),
  ];
  expect(entries.length).toBeGreaterThan(1);
  return entries.filter((path) => !lstatSync(path).isSymbolicLink() && (lstatSync(path).mode & 0o077) !== 0);
}

/** Creates a file that everyone may write, in folders that everyone may write. */
function expose(...names: string[]): string {
  const path = join(folder.path, ...names);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, "secret");
  for (let at = path; at.startsWith(folder.path); at = join(at, ".."))
    chmodSync(at, at === path ? 0o666 : 0o777);
  return path;
}

/** Owns the folder and lets go of it. Returns how many entries were repaired. */
async function own(): Promise<number> {
  let repaired = 0;
  (await ownDataDir(folder.path, (entries) => (repaired = entries)))();
  return repaired;
}

test("a directory that others can open, and everything in it, is closed at the start, and reported once", async () => {
  const file = expose("postgres", "pg_wal", "000000010000000000000001");
  expect(await own()).toBe(4);
  expect(open(folder.path)).toEqual([]);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(join(file, "..")).mode & 0o777).toBe(0o700);
  expect(await own()).toBe(0);
});

test("what a symbolic link in the directory points to is left alone, and the directory may itself be a link", async () => {
  const outside = temporaryFolder();
  mkdirSync(outside.path, { recursive: true });
  const foreign = join(outside.path, "foreign");
  writeFileSync(foreign, "", { mode: 0o644 });
  chmodSync(foreign, 0o644);
  symlinkSync(foreign, join(folder.path, "link"));
  symlinkSync(join(folder.path, "missing"), join(folder.path, "dangling"));
  symlinkSync(folder.path, join(outside.path, "data"));
  chmodSync(folder.path, 0o755);
  (await ownDataDir(join(outside.path, "data")))();
  expect(statSync(foreign).mode & 0o777).toBe(0o644);
  expect(open(folder.path)).toEqual([]);
  outside.remove();
});

test("a new database that comes from a template has no file that others can open", async () => {
  const dataDir = join(folder.path, "postgres");
  await createDataDir(dataDir, await cachedTemplate());
  expect(open(dataDir)).toEqual([]);
});

test.if(asRoot)("a directory or file of another user is refused in one line", async () => {
  const file = expose("postgres", "PG_VERSION");
  chownSync(file, NOBODY, NOBODY);
  await expect(ownDataDir(folder.path)).rejects.toThrow(`${file} belongs to user ${NOBODY}`);
  await expect(ownDataDir(folder.path)).rejects.toBeInstanceOf(DataDirUnusable); // and not DataDirHeld
  chownSync(folder.path, NOBODY, NOBODY);
  expect(await runParley(["new-epoch"], { DATA_DIR: folder.path })).toEqual({
    code: 1,
    stdout: "",
    stderr: expect.stringMatching(/^\S+ belongs to user 65534, and this is user 0: run this as .*\n$/),
  });
});

// systemd's StateDirectory= and mkdir create the folder with 0755. Files that the database created in it had the modes
// of its WebAssembly, so anyone on the machine could read password hashes and the signing key, and write.
test("a running server keeps files that it creates, and WAL segments, to itself", async () => {
  const dataDir = join(folder.path, "postgres");
  await createDataDir(dataDir, await cachedTemplate());
  chmodSync(folder.path, 0o755);
  const server = await startParley({
    DATA_DIR: folder.path,
    LOGIN_RATE: "0",
    MESSAGE_RATE: "0",
    BUDGETS: "0",
  });
  try {
    await server.line("data_dir_repaired");
    const { token } = await register(server, "ada");
    await Promise.all(
      Array.from({ length: 20 }, () =>
        api(server, "POST /rooms/hall/messages/", { token, body: { content: "secret ".repeat(500) } }),
      ),
    );
    expect(open(folder.path)).toEqual([]);
    if (asRoot) {
      const list = (path: string) =>
        Bun.spawnSync(["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups", "ls", path]);
      expect(list(join(folder.path, "..")).stdout.toString()).not.toBe("");
      expect(list(folder.path)).toMatchObject({ success: false, stdout: Buffer.alloc(0) });
    }
  } finally {
    await server.end();
  }
  expect(open(folder.path)).toEqual([]);
});
