import { expect, setDefaultTimeout, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { dependencies } from "../../package.json";
import type { DataFS } from "../../src/db/data-fs.ts";
import { requireDurable, START_PARAMS } from "../../src/db/durability.ts";
import { api } from "../support/api.ts";
import { connect } from "../support/client.ts";
import { register } from "../support/people.ts";
import { dataFolder, runParley, startParley } from "../support/process.ts";

setDefaultTimeout(60_000);

// An upgrade of PGlite could change how Postgres is started. Check then that its new parameters keep a commit durable.
test("PGlite is pinned, and starts Postgres as we know it", () => {
  expect(dependencies["@electric-sql/pglite"]).toMatch(/^\d+\.\d+\.\d+$/);
  expect(PGlite.defaultStartParams.join(" ")).toBe(
    "--single -F -O -j -c search_path=public -c exit_on_error=false -c log_checkpoints=false -c max_worker_processes=0 -c max_parallel_workers=0 -c max_parallel_workers_per_gather=0 -c io_method=sync -c max_parallel_maintenance_workers=0",
  );
  expect(START_PARAMS).not.toContain("-F");
});

test("a server whose Postgres does not sync prints one line and exits", async () => {
  const folder = await dataFolder();
  const preload = join(folder.path, "unsafe.ts");
  writeFileSync(
    preload,
    `import { PGlite } from ${JSON.stringify(Bun.resolveSync("@electric-sql/pglite", import.meta.dir))};
      const { create } = PGlite;
      PGlite.create = (options) => create.call(PGlite, { ...options, startParams: [...options.startParams, "-F"] });
      if (Bun.isMainThread) globalThis.Worker = class extends Worker {
        constructor(url, options) { super(url, { ...options, preload: [import.meta.path] }); }
      };`,
  );
  const { code, stderr } = await runParley([], {
    DATA_DIR: folder.path,
    BUN_OPTIONS: `--preload ${preload}`,
  });
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /^The database in .* would lose acknowledged messages in a power failure \(fsync is off\): .*\n$/,
  );
  folder.remove();
});

test("a commit that does not reach our fsync is noticed", async () => {
  const settings: Record<string, string> = {
    fsync: "on",
    wal_sync_method: "fsync",
    full_page_writes: "on",
    synchronous_commit: "on",
  };
  const files = { walSyncs: 0 };
  const database = {
    query: async (_: string, [name]: string[] = []) => ({ rows: [{ setting: settings[name ?? ""] }] }),
  };
  const check = () => requireDurable(database as unknown as PGlite, files as DataFS);
  await expect(check()).rejects.toThrow("a commit was not synced");
  settings.wal_sync_method = "fdatasync";
  await expect(check()).rejects.toThrow("wal_sync_method is fdatasync");
});

// Postgres panics if it cannot write its log. PGlite then ran in a circle for ever: the commit never ended, and
// neither did the process. The same happened after a trap of the WebAssembly.
test.each([
  [
    "ENOSPC",
    /^The disk of \S+ is full, so the database stopped \(could not write .*: No space left on device\)/,
  ],
  ["EIO", /^The disk of \S+ failed, so the database stopped \(could not fsync .*: I\/O error\)/],
  ["TRAP", /^The database in \S+ stopped \(Unreachable code .*\): start again/],
])("after %s the process ends, acknowledges nothing, and says why", async (code, line) => {
  const folder = await dataFolder();
  const fault = join(folder.path, "fault");
  const settings = { DATA_DIR: folder.path, LOGIN_RATE: "0" };
  const faulty = {
    ...settings,
    DISK_FAULT: fault,
    BUN_OPTIONS: `--preload ${join(import.meta.dir, "../support/disk-faults.ts")}`,
  };
  const clientId = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b";
  const server = await startParley(faulty);
  const { token } = await register(server, "ada");
  const send = (to: typeof server) =>
    api(to, "POST /rooms/hall/messages/", { token, body: { content: "hello", clientId } });
  const socket = await connect(server, { room: "hall", token });

  writeFileSync(fault, code);
  const outcome = await send(server).then(
    ({ status }) => status,
    () => "no reply",
  );
  expect(outcome).not.toBe(201);
  await socket.closed;
  const { code: exitCode, stderr } = await server.exited;
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(line);
  expect(stderr.trimEnd().split("\n")).toHaveLength(1);

  // As long as the disk is like this, the server does not start.
  expect(await runParley([], faulty)).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /^The (disk of \S+ (is full|failed)|database in \S+ cannot be opened)[^\n]*\n$/,
    ),
  });

  rmSync(fault);
  // A power failure can leave it like this, and Postgres alone would then not start.
  writeFileSync(join(folder.path, "postgres", "postmaster.pid"), "");
  const again = await startParley(settings);
  const [first, second] = [await send(again), await send(again)];
  expect([first.status, second.status]).toEqual([201, 200]);
  const { body } = await api(again, "GET /history/hall/", { token });
  expect((body as { clientId: string }[]).map((message) => message.clientId)).toEqual([clientId]);
  await again.end();
  folder.remove();
});
