import fs from "node:fs";

// A module to preload into a server: `bun --preload test/support/disk-faults.ts src/main.ts`. While the file that
// DISK_FAULT names exists, the disk of the embedded database returns the error that it contains: ENOSPC to writes of the
// log, any other to every fsync. With TRAP, the WebAssembly traps when it writes its log.

const file = process.env.DISK_FAULT ?? "";

function fault(): NodeJS.ErrnoException | undefined {
  if (!fs.existsSync(file)) return undefined;
  const code = fs.readFileSync(file, "utf8");
  return Object.assign(new Error(`${code}: injected`), { code });
}

/** The smallest module that traps: its function `f` is `unreachable`. */
const TRAP = "AGFzbQEAAAABBAFgAAADAgEABwUBAWYAAAoFAQMAAAs=";
function trap(): void {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(TRAP, "base64")));
  (exports.f as () => void)();
}

if (Bun.isMainThread) {
  const { Worker } = globalThis;
  globalThis.Worker = class extends Worker {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(url, { ...options, preload: [import.meta.path] });
    }
  };
} else {
  const { fsyncSync, writeSync } = fs;
  fs.fsyncSync = (fd) => {
    const error = fault();
    if (error && error.code !== "ENOSPC" && error.code !== "TRAP") throw error;
    fsyncSync(fd);
  };
  fs.writeSync = ((fd: number, ...rest: [Uint8Array]) => {
    const error = fault();
    const isLog = () => fs.readlinkSync(`/proc/self/fd/${fd}`).includes("/pg_wal/");
    if (error?.code === "ENOSPC" && isLog()) throw error;
    if (error?.code === "TRAP" && isLog()) trap();
    return writeSync(fd, ...rest);
  }) as typeof fs.writeSync;
}
