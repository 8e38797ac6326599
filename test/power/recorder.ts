import fs from "node:fs";
import promises from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Operation } from "./log.ts";

// A module to preload into a process that opens an embedded database: it writes to the file POWER_LOG everything that
// the process asks of the file system below the folder POWER_ROOT, in order, from the main thread and from workers. A
// worker's messages are in it too: with the answer to a commit, the commit is acknowledged.

const root = resolve(process.env.POWER_ROOT ?? "/nowhere");
const real = { ...fs };
const log = real.openSync(process.env.POWER_LOG ?? "", "a");
const inside = (path: unknown): path is string =>
  typeof path === "string" && `${resolve(path)}/`.startsWith(`${root}/`);
/** The descriptors of recorded files. They are numbered for the whole process. */
const open = new Set<number>();

function record(operation: Operation, data: Uint8Array = new Uint8Array()) {
  const head = Buffer.from(JSON.stringify(operation));
  const sizes = Buffer.alloc(8);
  sizes.writeUInt32LE(head.length, 0);
  sizes.writeUInt32LE(data.length, 4);
  real.writeSync(log, Buffer.concat([sizes, head, data])); // one write, because threads share the file
}

const path = (at: string) => resolve(at).slice(root.length + 1);

/** Records that something with this content has appeared, which nobody has synced. */
function appear(at: string) {
  if (real.statSync(at).isDirectory()) {
    record({ do: "mkdir", path: path(at) });
    for (const name of real.readdirSync(at)) appear(join(at, name));
  } else {
    record({ do: "create", path: path(at) });
    record({ do: "write", path: path(at), at: 0 }, real.readFileSync(at));
  }
}

/** The same operations as promises, as far as uploads use them. */
const realAsync = { ...promises };
const patchAsync = promises as unknown as Record<string, unknown>;

patchAsync.open = async (at: string, flags: string, mode?: number) => {
  const handle = await realAsync.open(at, flags, mode);
  if (!inside(at)) return handle;
  const { fd } = handle;
  if (flags === "wx") record({ do: "create", path: path(at) });
  record({ do: "open", path: path(at), fd });
  let size = 0;
  return {
    async writeFile(data: Uint8Array) {
      await handle.writeFile(data);
      record({ do: "write", fd, at: size }, data);
      size += data.length;
    },
    async sync() {
      await handle.sync();
      record({ do: "sync", fd });
    },
    async close() {
      record({ do: "close", fd });
      await handle.close();
    },
  };
};
patchAsync.mkdir = async (at: string, options: fs.MakeDirectoryOptions) => {
  const missing: string[] = [];
  for (let up = resolve(at); inside(up) && up !== root && !real.existsSync(up); up = dirname(up))
    missing.unshift(up);
  const made = await realAsync.mkdir(at, options);
  for (const one of missing) record({ do: "mkdir", path: path(one) });
  return made;
};
patchAsync.unlink = async (at: string) => {
  await realAsync.unlink(at);
  if (inside(at)) record({ do: "remove", path: path(at) });
};
for (const name of [
  "appendFile",
  "copyFile",
  "link",
  "rename",
  "rm",
  "rmdir",
  "symlink",
  "truncate",
  "writeFile",
])
  patchAsync[name] = (at: string, ...more: unknown[]) => {
    if (inside(at)) throw new Error(`${name} is not recorded`);
    return (realAsync as unknown as Record<string, (...all: unknown[]) => unknown>)[name]?.(at, ...more);
  };

const patch = fs as unknown as Record<string, unknown>;

patch.openSync = (at: string, flags: string | number = "r", mode?: number) => {
  const creates = typeof flags === "number" ? (flags & fs.constants.O_CREAT) !== 0 : /[wa]/.test(flags);
  const empties = typeof flags === "number" ? (flags & fs.constants.O_TRUNC) !== 0 : /w/.test(flags);
  const isNew = inside(at) && creates && !real.existsSync(at);
  const fd = real.openSync(at, flags, mode);
  if (!inside(at)) return fd;
  if (isNew) record({ do: "create", path: path(at) });
  else if (empties) record({ do: "truncate", path: path(at), size: 0 });
  record({ do: "open", path: path(at), fd });
  open.add(fd);
  return fd;
};
patch.closeSync = (fd: number) => {
  if (open.delete(fd)) record({ do: "close", fd });
  real.closeSync(fd);
};
patch.writeSync = (fd: number, data: Uint8Array, offset: number, length: number, at: number) => {
  const written = real.writeSync(fd, data, offset, length, at);
  if (open.has(fd)) {
    if (typeof at !== "number") throw new Error("a write without a position is not recorded");
    record({ do: "write", fd, at }, new Uint8Array(data.buffer, data.byteOffset + offset, written));
  }
  return written;
};
patch.writeFileSync = (at: string, data: string, options: fs.WriteFileOptions) => {
  const isNew = inside(at) && !real.existsSync(at);
  real.writeFileSync(at, data, options);
  if (!inside(at)) return;
  record(isNew ? { do: "create", path: path(at) } : { do: "truncate", path: path(at), size: 0 });
  if (data.length > 0) record({ do: "write", path: path(at), at: 0 }, Buffer.from(data));
};
patch.ftruncateSync = (fd: number, size: number) => {
  real.ftruncateSync(fd, size);
  if (open.has(fd)) record({ do: "truncate", fd, size });
};
patch.truncateSync = (at: string, size: number) => {
  real.truncateSync(at, size);
  if (inside(at)) record({ do: "truncate", path: path(at), size });
};
patch.renameSync = (from: string, to: string) => {
  real.renameSync(from, to);
  if (inside(from)) record({ do: "rename", path: path(from), to: path(to) });
};
for (const name of ["unlinkSync", "rmdirSync", "rmSync"] as const)
  patch[name] = (at: string, options: object) => {
    const existed = inside(at) && real.existsSync(at);
    (real[name] as (at: string, options: object) => void)(at, options);
    if (existed) record({ do: "remove", path: path(at) });
  };
patch.mkdirSync = (at: string, options: fs.MakeDirectoryOptions) => {
  const existed = real.existsSync(at);
  const made = real.mkdirSync(at, options);
  if (inside(at) && !existed && resolve(at) !== root) record({ do: "mkdir", path: path(at) });
  return made;
};
patch.fsyncSync = (fd: number) => {
  real.fsyncSync(fd);
  if (open.has(fd)) record({ do: "sync", fd });
};
patch.fsync = (fd: number, done: fs.NoParamCallback) =>
  real.fsync(fd, (error) => {
    if (!error && open.has(fd)) record({ do: "sync", fd });
    done(error);
  });
for (const name of ["linkSync", "symlinkSync", "fdatasyncSync"])
  patch[name] = () => {
    throw new Error(`${name} is not recorded`);
  };

if (Bun.isMainThread) {
  const { Worker } = globalThis;
  globalThis.Worker = class extends Worker {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(url, { ...options, preload: [import.meta.path] });
    }
  };
  const { extract } = Bun.Archive.prototype;
  Bun.Archive.prototype.extract = async function (to, options) {
    const count = await extract.call(this, to, options);
    if (inside(to)) appear(to);
    return count;
  };
} else {
  const { postMessage } = globalThis as unknown as Worker;
  (globalThis as unknown as Worker).postMessage = (message: { id?: number }) => {
    record({ do: "answer" });
    postMessage.call(globalThis, message);
  };
}

/** Adds a note to the log, such as what the workload has acknowledged. */
export const note = (what: unknown) => record({ do: "note", what });
