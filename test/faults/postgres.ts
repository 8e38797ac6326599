import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "./condition.ts";
import { leftover } from "./leftovers.ts";
import { freePort } from "../support/port.ts";

const DEBIAN = "/usr/lib/postgresql";
/** Generous: after a crash Postgres syncs every file written since its last checkpoint, which slow disks prolong. */
const START_MS = 120_000;
/** Retries, because processes that are just ending may still write. */
const REMOVAL = { recursive: true, force: true, maxRetries: 10, retryDelay: 50 } as const;

/** A private Postgres server with methods that inject faults. */
export interface Postgres {
  /** Creates an empty database and returns its URL. Drops the previous one, so that no recovery has to sync its files. */
  createDatabase(): Promise<string>;
  /** Shuts down without a checkpoint (`immediate` mode), so that the next start recovers as after a crash. */
  crash(): Promise<void>;
  start(): Promise<void>;
  /** Stops all its processes with SIGSTOP, so that it neither responds nor refuses connections. */
  freeze(): void;
  /** Continues all its processes. */
  thaw(): void;
  /** Terminates about this share of the connections to a database and returns their number. */
  terminate(databaseUrl: string, share: number): Promise<number>;
  /** Stops it and removes its data. */
  remove(): Promise<void>;
}

/** Returns the folder of the Postgres programs, or undefined if Postgres is not installed. */
export function findPostgres(): string | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...versions.map((version) => join(DEBIAN, version, "bin")),
    ...(process.env.PATH ?? "").split(":"),
  ];
  return folders.find((folder) => ["initdb", "postgres"].every((name) => existsSync(join(folder, name))));
}

/** Creates a cluster in a temporary folder and starts it on a free port of 127.0.0.1. */
export async function startPostgres(programs: string): Promise<Postgres> {
  const folder = mkdtempSync(join(tmpdir(), "parley-faults-postgres-"));
  const data = join(folder, "data");
  mkdirSync(data, { mode: 0o700 });
  const removed = leftover(() => rmSync(folder, REMOVAL));
  const prefix = asOrdinaryUser([folder, data]);
  const port = await freePort();

  const initdb = Bun.spawnSync(
    [
      ...prefix,
      join(programs, "initdb"),
      "-D",
      data,
      "-U",
      "parley",
      "-A",
      "trust",
      "-E",
      "UTF8",
      "--locale=C",
      "-N",
    ],
    { stdout: "ignore", stderr: "pipe", cwd: "/" },
  );
  if (!initdb.success) throw new Error(`initdb failed: ${initdb.stderr}`);

  const settings = [
    `port=${port}`,
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=100",
    "shared_buffers=32MB",
    "recovery_init_sync_method=syncfs",
    "log_min_messages=panic",
  ];
  const command = [...prefix, join(programs, "postgres"), "-D", data, ...settings.flatMap((s) => ["-c", s])];
  const urlOf = (database: string) => `postgres://parley@127.0.0.1:${port}/${database}`;
  let postmaster: Bun.Subprocess | undefined;
  let forget = () => {};
  let current: string | undefined;

  async function ask<T>(question: (sql: Bun.SQL) => Promise<T>): Promise<T> {
    const sql = new Bun.SQL(urlOf("postgres"), { max: 1, connectionTimeout: 2 });
    try {
      return await question(sql);
    } finally {
      await sql.close({ timeout: 0 });
    }
  }

  async function start() {
    const started = Bun.spawn(command, { stdout: "ignore", stderr: "ignore", cwd: "/" });
    postmaster = started;
    forget = leftover(() => signal(started.pid, "SIGKILL"));
    await accepts();
  }

  const accepts = () =>
    until("Postgres accepts connections", START_MS, () =>
      ask((sql) => sql`select 1`).then(
        () => true,
        () => false,
      ),
    );

  async function crash() {
    postmaster?.kill("SIGQUIT");
    await postmaster?.exited;
    forget();
  }

  await start();
  return {
    start,
    crash,
    async createDatabase() {
      await accepts(); // a previous scenario may have restarted it
      if (current) await ask((sql) => sql.unsafe(`drop database ${current} with (force)`));
      current = `faults_${crypto.randomUUID().replaceAll("-", "")}`;
      await ask((sql) => sql.unsafe(`create database ${current}`));
      return urlOf(current);
    },
    freeze: () => void (postmaster && signal(postmaster.pid, "SIGSTOP")),
    thaw: () => void (postmaster && signal(postmaster.pid, "SIGCONT")),
    async terminate(databaseUrl, share) {
      const name = new URL(databaseUrl).pathname.slice(1);
      const ended = await ask(
        (sql) => sql`select pg_terminate_backend(pid) from pg_stat_activity
          where datname = ${name} and random() < ${share}`,
      );
      return ended.length;
    },
    async remove() {
      await crash();
      rmSync(folder, REMOVAL);
      removed();
    },
  };
}

/** Signals a process and its children. The parent comes first, so that it cannot start more children. */
function signal(parent: number, name: "SIGSTOP" | "SIGCONT" | "SIGKILL"): void {
  process.kill(parent, name === "SIGKILL" ? "SIGSTOP" : name);
  for (const child of childrenOf(parent)) {
    try {
      process.kill(child, name);
    } catch {
      // The child has ended in the meantime.
    }
  }
  if (name === "SIGKILL") process.kill(parent, name);
}

const childrenOf = (parent: number) =>
  Bun.spawnSync(["pgrep", "-P", String(parent)])
    .stdout.toString()
    .split("\n")
    .filter(Boolean)
    .map(Number);

/**
 * Returns a command prefix that drops root privileges, because Postgres refuses to run as root. Gives the folders to the
 * other user. Empty if this process is not root.
 */
function asOrdinaryUser(folders: readonly string[]): string[] {
  if (process.getuid?.() !== 0) return [];
  const user = ["postgres", "nobody"].find((name) => Bun.spawnSync(["id", "-u", name]).success);
  if (!user) throw new Error("Postgres cannot run as root, and this machine has no user postgres or nobody");
  const idOf = (flag: string) => Number(Bun.spawnSync(["id", flag, user]).stdout.toString());
  for (const folder of folders) chownSync(folder, idOf("-u"), idOf("-g"));
  // `setpriv` replaces itself with the command, which keeps the process id. `runuser` would stay as the parent.
  return ["setpriv", `--reuid=${user}`, `--regid=${idOf("-g")}`, "--init-groups", "--pdeathsig=QUIT"];
}
