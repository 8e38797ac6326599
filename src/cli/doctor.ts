import { existsSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../config/config.ts";
import { missingSpace } from "../db/disk.ts";
import { fsyncsPerSecond } from "../db/disk-rate.ts";
import { type Command, CommandError } from "./command.ts";

/** File systems by the number that Linux gives them (statfs(2)), if they are a reason for doubt. */
const DOUBTFUL: Readonly<Record<number, string>> = {
  26985: "NFS",
  1397118030: "NCP",
  4283649346: "CIFS",
  4266872130: "SMB 2",
  16914836: "tmpfs, which is memory",
  1702057286: "FUSE",
  16914839: "9p",
};
/** No disk that really writes reaches this rate, in fsyncs a second. */
const TOO_FAST = 50_000;
const SLOW = 100;

export const doctor: Command = {
  name: "doctor",
  about: "Check the data directory: its disk's fsync rate, its file system, its free space",
  async run({ env, out }) {
    const { DATABASE_DRIVER, DATA_DIR } = loadConfig(env);
    if (DATABASE_DRIVER !== "pglite") {
      out(
        "The database is on a server: /readyz says whether it accepts writes. There is nothing else to check here.",
      );
      return 0;
    }
    if (!existsSync(DATA_DIR))
      throw new CommandError(`${DATA_DIR} does not exist yet: start the server first`);
    const problems: string[] = [];
    const rate = measure(DATA_DIR);
    out(`fsync: ${Math.round(rate)} a second, ${(1000 / rate).toFixed(2)} ms each (${DATA_DIR})`);
    if (rate > TOO_FAST)
      problems.push(
        "The disk confirms an fsync faster than it can write: a power failure may lose what it confirmed",
      );
    if (rate < SLOW) problems.push("The disk is slow: each message waits for an fsync");
    const { type, bavail, bsize } = statfsSync(DATA_DIR);
    const doubtful = DOUBTFUL[Number(type)];
    if (doubtful) problems.push(`The file system is ${doubtful}: use a local disk`);
    out(`free space: ${Math.floor((bavail * bsize) / 1024 ** 2)} MiB`);
    const missing = missingSpace(DATA_DIR, !existsSync(join(DATA_DIR, "postgres")));
    if (missing > 0) problems.push(`The disk is full: free at least ${missing} MiB`);
    for (const problem of problems) out(`problem: ${problem}`);
    if (problems.length === 0) out("no problem found");
    return problems.length === 0 ? 0 : 1;
  },
};

function measure(dir: string): number {
  try {
    return fsyncsPerSecond(dir);
  } catch (error) {
    throw new CommandError(
      `${dir} cannot be measured (${(error as Error).message}): run this as the server's user`,
      {
        cause: error,
      },
    );
  }
}
