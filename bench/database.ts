import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import type { DatabaseConfig } from "../src/db/database.ts";
import { openDatabase } from "../src/db/open.ts";
import { peopleSql } from "./people.ts";
import { percentile } from "./statistics.ts";

/** Number of people in each database; no scenario needs more. */
export const PEOPLE_MAX = 10_100;

/** A database for one server. */
export interface BenchDatabase {
  /** The setting that points the server to it: `DATABASE_URL` or `DATA_DIR`. */
  readonly env: Readonly<Record<string, string>>;
  remove(): Promise<void>;
}

/** Creates databases. Each new one already has the tables and the people. */
export interface Databases {
  /** Name and version, such as `PostgreSQL 15.20`. */
  readonly about: string;
  /** Whether more than one process can connect. */
  readonly shared: boolean;
  /** Creates a database. `also` is SQL to run before the server starts. */
  create(also?: readonly string[]): Promise<BenchDatabase>;
  /** Creates a database without tables, for the server that creates its own. */
  createEmpty(): Promise<BenchDatabase>;
  /** Returns the median time of a one-row commit without concurrent commits, in milliseconds. */
  commitMs(): Promise<number>;
  remove(): Promise<void>;
}

const COMMITS = 300;

const nameOf = () => `bench_${crypto.randomUUID().replaceAll("-", "")}`;

async function prepare(config: Partial<DatabaseConfig>, statements: readonly string[]): Promise<void> {
  const database = await openDatabase({
    DATABASE_DRIVER: "postgres",
    DATABASE_POOL: 1,
    DATA_DIR: "",
    ...config,
  } as DatabaseConfig);
  try {
    for (const statement of statements) await database.run((orm) => orm.execute(sql.raw(statement)));
  } finally {
    await database.close();
  }
}

/** Creates databases on a Postgres server. The role in `address` must be allowed to create databases. */
export async function openPostgres(address: string): Promise<Databases> {
  const admin = new Bun.SQL(address, { max: 1 });
  const made = new Set<string>();
  const urlOf = (name: string) => Object.assign(new URL(address), { pathname: `/${name}` }).href;
  const [{ version }] = (await admin`show server_version`
    .values()
    .then((rows: string[][]) => [{ version: rows[0]?.[0] }])) as [{ version: string }];

  const make = async (template?: string) => {
    const name = nameOf();
    await admin.unsafe(`create database ${name}${template ? ` template ${template}` : ""}`);
    made.add(name);
    return name;
  };
  const drop = async (name: string) => {
    if (made.delete(name)) await admin.unsafe(`drop database if exists ${name} with (force)`);
  };
  const handle = (name: string): BenchDatabase => ({
    env: { DATABASE_URL: urlOf(name) },
    remove: () => drop(name),
  });

  const template = await make();
  await prepare({ DATABASE_URL: urlOf(template) }, [...peopleSql(PEOPLE_MAX), "vacuum analyze"]);

  return {
    about: `PostgreSQL ${version?.split(" ")[0]}`,
    shared: true,
    async create(also = []) {
      const name = await make(template);
      const sql = new Bun.SQL(urlOf(name), { max: 1 });
      for (const statement of also) await sql.unsafe(statement);
      await sql.close();
      // Otherwise a checkpoint of the setup's writes could run during the measurement.
      await admin`checkpoint`;
      return handle(name);
    },
    createEmpty: async () => handle(await make()),
    async commitMs() {
      const name = await make();
      const sql = new Bun.SQL(urlOf(name), { max: 1 });
      await sql`create table commits (id bigint primary key generated always as identity, content text)`;
      const times: number[] = [];
      for (let count = 0; count < COMMITS; count++) {
        const begun = performance.now();
        await sql`insert into commits (content) values (${"x".repeat(64)})`;
        times.push(performance.now() - begun);
      }
      await sql.close();
      await drop(name);
      return percentile(times, 0.5);
    },
    async remove() {
      for (const name of [...made]) await drop(name);
      await admin.close();
    },
  };
}

/** Creates data directories of the embedded database as copies of a template. */
export async function openEmbedded(): Promise<Databases> {
  const folder = await mkdtemp(join(tmpdir(), "parley-bench-"));
  const template = join(folder, "template");
  await mkdir(template);
  await prepare({ DATABASE_DRIVER: "pglite", DATA_DIR: template }, peopleSql(PEOPLE_MAX));
  const create = async (also: readonly string[] = []): Promise<BenchDatabase> => {
    const directory = join(folder, nameOf());
    await cp(template, directory, { recursive: true });
    if (also.length > 0) await prepare({ DATABASE_DRIVER: "pglite", DATA_DIR: directory }, also);
    return { env: { DATA_DIR: directory }, remove: () => rm(directory, { recursive: true, force: true }) };
  };
  return {
    about: "PGlite",
    shared: false,
    create,
    commitMs: () => Promise.resolve(Number.NaN),
    createEmpty: () => Promise.reject(new Error("the server with one INSERT per message needs Postgres")),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
