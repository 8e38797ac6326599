import { existsSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { type Config, loadConfig } from "../config/config.ts";
import { missingSpace } from "../db/disk.ts";
import { fsyncsPerSecond } from "../db/disk-rate.ts";
import { type Command, CommandError } from "./command.ts";
import { withDatabase } from "./database.ts";
import { checkPlace, compare, openPlace } from "./doctor-files.ts";
import { faultOfSmtp } from "./mail-test.ts";

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
  usage: "[--files]",
  about:
    "Check the data directory, the place of files and the mail server; with --files, compare files with the database",
  async run(context) {
    const { args, env, out } = context;
    const [option, ...rest] = args;
    if ((option !== undefined && option !== "--files") || rest.length > 0)
      throw new CommandError(`Usage: parley doctor ${this.usage}`);
    const config = loadConfig(env);
    const problems: string[] = [];
    if (config.DATABASE_DRIVER === "pglite") problems.push(...checkDataDir(config.DATA_DIR, out));
    else out("database: on a server; /readyz says whether it accepts writes");
    const place = await openPlace(config);
    out(`files: ${place ? "their place is checked" : "nobody has uploaded any, or FILES_URL is off"}`);
    if (place) problems.push(...(await checkPlace(place, config)));
    if (place && option)
      problems.push(...(await withDatabase(context, (database) => compare(place, database))));
    problems.push(...(await checkMail(config, out)));
    for (const problem of problems) out(`problem: ${problem}`);
    if (problems.length === 0) out("no problem found");
    return problems.length === 0 ? 0 : 1;
  },
};

/** Returns the problem of the mail server, if there is one. */
async function checkMail({ SMTP_URL: smtp, MAIL_FROM: from }: Config, out: (line: string) => void) {
  if (!smtp || !from) {
    out("mail: SMTP_URL is not set, so no mails are sent");
    return [];
  }
  const fault = await faultOfSmtp(smtp, from);
  out(`mail: ${smtp.host}:${smtp.port} ${fault ? "does not work" : "accepts this server"}`);
  return fault ? [fault] : [];
}

/** Returns the problems of the folder of the embedded database. */
function checkDataDir(dir: string, out: (line: string) => void): string[] {
  if (!existsSync(dir)) throw new CommandError(`${dir} does not exist yet: start the server first`);
  const problems: string[] = [];
  const rate = measure(dir);
  out(`fsync: ${Math.round(rate)} a second, ${(1000 / rate).toFixed(2)} ms each (${dir})`);
  if (rate > TOO_FAST)
    problems.push(
      "The disk confirms an fsync faster than it can write: a power failure may lose what it confirmed",
    );
  if (rate < SLOW) problems.push("The disk is slow: each message waits for an fsync");
  const { type, bavail, bsize } = statfsSync(dir);
  const doubtful = DOUBTFUL[Number(type)];
  if (doubtful) problems.push(`The file system is ${doubtful}: use a local disk`);
  out(`free space: ${Math.floor((bavail * bsize) / 1024 ** 2)} MiB`);
  const missing = missingSpace(dir, !existsSync(join(dir, "postgres")));
  if (missing > 0) problems.push(`The disk is full: free at least ${missing} MiB`);
  return problems;
}

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
