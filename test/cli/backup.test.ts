import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { loadConfig } from "../../src/config/config.ts";
import { rows } from "../../src/db/database.ts";
import { openDatabase } from "../../src/db/open.ts";
import { deskOf } from "../../src/db/backup-desk.ts";
import { api } from "../support/api.ts";
import { memoryFolder } from "../support/folder.ts";
import { register } from "../support/people.ts";
import { dataFolder, runParley, startParley } from "../support/process.ts";
import { holes, readRoom } from "../support/stored.ts";

setDefaultTimeout(60_000);

let data: Awaited<ReturnType<typeof dataFolder>>;
const folder = memoryFolder();
beforeAll(async () => {
  data = await dataFolder();
  mkdirSync(folder.path, { recursive: true });
});
afterAll(() => {
  data.remove();
  folder.remove();
});

const settings = () => ({ DATA_DIR: data.path, LOGIN_RATE: "0", MESSAGE_RATE: "0", BUDGETS: "0" });
const backUp = (file: string) => runParley(["backup", file], settings());

/** Restores a backup, and returns the messages in a room. */
async function restored(file: string) {
  const { path, remove } = memoryFolder();
  mkdirSync(path, { recursive: true });
  expect(Bun.spawnSync(["tar", "-xzf", file, "-C", path]).exitCode).toBe(0);
  const database = await openDatabase(loadConfig({ DATA_DIR: path }));
  const room = await readRoom(database, "hall");
  await database.close();
  remove();
  return room;
}

test("a backup of a running server has every message from before it, while others are posted", async () => {
  const server = await startParley(settings());
  const { token } = await register(server, "ada");
  let posted = 0;
  const post = async () => {
    const body = { content: `message ${posted} ${"x".repeat(1000)}` };
    expect((await api(server, "POST /rooms/hall/messages/", { token, body })).status).toBe(201);
    posted++;
  };
  for (let n = 0; n < 50; n++) await post();
  const before = posted;
  let backingUp = true;
  const posting = (async () => {
    while (backingUp) await post();
  })();
  const file = join(folder.path, "running.tar.gz");
  const { code, stdout, stderr } = await backUp(file);
  backingUp = false;
  await posting;
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(
    /^\S+running\.tar\.gz is complete \(\S+ MB; messages waited for \d+ ms\)\. Keep it secret/,
  );
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(posted).toBeGreaterThan(before);

  const room = await restored(file);
  expect(room.counter).toBeGreaterThanOrEqual(before);
  expect(room.counter).toBeLessThanOrEqual(posted);
  expect(holes(room)).toBe(0);

  // One that is given up does not keep the next one, or the server, from going on.
  await new Promise<void>((resolve, reject) => {
    const socket = { data: (desk: Bun.Socket) => void desk.end(), close: () => resolve() };
    Bun.connect({ unix: deskOf(data.path), socket }).catch(reject);
  });
  await post();
  expect((await backUp(join(folder.path, "again.tar.gz"))).code).toBe(0);
  await server.end();
});

test("a backup of a running server has the file of every message in it, while others come and go", async () => {
  const server = await startParley(settings());
  const { token } = await register(server, "ben");
  await api(server, "POST /rooms/album/messages/", { token, body: { content: "hello" } });
  const sent: number[] = [];
  const share = async (text: string) => {
    const response = await fetch(`${server.url}/rooms/album/files/${crypto.randomUUID()}/`, {
      method: "PUT",
      headers: { authorization: `Bearer ${token}` },
      body: text,
    });
    const { id } = (await response.json()) as { id: string };
    const body = { content: text, files: [{ id }] };
    const { status, body: ack } = await api(server, "POST /rooms/album/messages/", { token, body });
    expect([response.status, status]).toEqual([201, 201]);
    sent.push((ack as { id: number }).id);
  };
  for (let n = 0; n < 8; n++) await share(`file ${n} ${"x".repeat(3_000)}`);
  let backingUp = true;
  const busy = (async () => {
    for (let n = 8; backingUp; n++) {
      await share(`file ${n} ${"x".repeat(3_000)}`);
      await api(server, `DELETE /rooms/album/messages/${sent.shift()}/`, { token });
    }
  })();
  const file = join(folder.path, "files.tar.gz");
  expect((await backUp(file)).code).toBe(0);
  backingUp = false;
  await busy;
  await server.end();

  const { path, remove } = memoryFolder();
  mkdirSync(path, { recursive: true });
  expect(Bun.spawnSync(["tar", "-xzf", file, "-C", path]).exitCode).toBe(0);
  const database = await openDatabase(loadConfig({ DATA_DIR: path }));
  const messages = await database.run((orm) =>
    rows<{ content: string; files: string }>(
      orm,
      sql`select m.content, m.files from messages m join rooms r on r.id = m.room_id
        where r.name = 'album' and m.files is not null`,
    ),
  );
  expect(messages.length).toBeGreaterThanOrEqual(8);
  for (const { content, files } of messages) {
    const [{ id }] = JSON.parse(files) as [{ id: string }];
    expect(readFileSync(join(path, "files", id.slice(0, 2), `${id}.original`), "utf8")).toBe(content);
  }
  await database.close();
  remove();
}, 120_000);

test("a backup of a stopped server has everything", async () => {
  const file = join(folder.path, "stopped.tar.gz");
  expect(await backUp(file)).toMatchObject({ code: 0, stderr: "" });
  const room = await restored(file);
  expect(room.counter).toBeGreaterThan(50);
  expect(holes(room)).toBe(0);
});

test("a file that waits under the name of an unfinished backup does not become the backup", async () => {
  const file = join(folder.path, "planted.tar.gz");
  const bait = join(folder.path, "bait");
  writeFileSync(bait, "theirs", { mode: 0o666 });
  symlinkSync(bait, `${file}.unfinished`);
  expect((await backUp(file)).code).toBe(0);
  expect(readFileSync(bait, "utf8")).toBe("theirs");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(lstatSync(file).isFile()).toBeTrue();
});

test("a backup never overwrites a file, and leaves none behind if it fails", async () => {
  const file = join(folder.path, "precious");
  writeFileSync(file, "precious");
  expect(await backUp(file)).toEqual({
    code: 1,
    stdout: "",
    stderr: `${file} exists already: name a new file\n`,
  });
  expect(await Bun.file(file).text()).toBe("precious");
  const nowhere = join(folder.path, "missing", "file");
  expect((await backUp(nowhere)).stderr).toContain(`${nowhere} cannot be written`);
  const empty = join(folder.path, "none.tar.gz");
  expect((await runParley(["backup", empty], { DATA_DIR: join(folder.path, "nothing") })).code).toBe(1);
  expect(existsSync(empty)).toBe(false);
});

test("doctor prints the fsync rate of the disk, and the problems that it finds", async () => {
  const { stdout, stderr } = await runParley(["doctor"], settings());
  expect(stderr).toBe("");
  expect(stdout).toMatch(/^fsync: \d+ a second, [\d.]+ ms each/);
  expect(stdout).toMatch(/\n(no problem found|problem: .*)\n$/);
});

test("doctor compares the stored files with the database", async () => {
  const other = await dataFolder();
  const env = { ...settings(), DATA_DIR: other.path };
  const server = await startParley(env);
  const { token } = await register(server, "ada");
  await api(server, "POST /rooms/album/messages/", { token, body: { content: "hello" } });
  const response = await fetch(`${server.url}/rooms/album/files/${crypto.randomUUID()}/`, {
    method: "PUT",
    headers: { authorization: `Bearer ${token}` },
    body: "a file",
  });
  const { id } = (await response.json()) as { id: string };
  await server.end();
  const shelf = join(other.path, "files");
  const pathOf = (name: string) => join(shelf, name.slice(0, 2), `${name}.original`);
  expect((await runParley(["doctor", "--files"], env)).stdout).not.toContain("not stored");
  const stray = crypto.randomUUID();
  mkdirSync(join(shelf, stray.slice(0, 2)), { recursive: true });
  renameSync(pathOf(id), pathOf(stray));
  const { code, stdout } = await runParley(["doctor", "--files"], env);
  expect(code).toBe(1);
  expect(stdout).toContain(`Of 1 files, 1 forms are not stored, such as ${id}.original`);
  expect(stdout).toContain("Of 1 stored files, the database does not know 1");
  expect(await runParley(["doctor", "--all"], env)).toMatchObject({ code: 1, stdout: "" });
  other.remove();
}, 120_000);
