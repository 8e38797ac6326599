import { type SQL, sql } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";
import { type Database, type Orm, rows } from "../../src/db/database.ts";

/** A plan node that reads a table or one of its indexes. */
export interface Scan {
  readonly type: string;
  readonly table: string;
  /** The index condition; "" if everything is read. */
  readonly condition: string;
  /** The rows that this step read. */
  readonly rows: number;
}

interface Plan {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Index Cond"?: string;
  readonly "Recheck Cond"?: string;
  readonly "Actual Rows"?: number;
  readonly "Actual Loops"?: number;
  readonly "Rows Removed by Filter"?: number;
  readonly "Shared Hit Blocks"?: number;
  readonly "Shared Read Blocks"?: number;
  readonly "WAL Records"?: number;
  readonly Plans?: readonly Plan[];
}

/** A database that explains each statement before it executes it. */
export interface Explained extends Database {
  /** Returns the scans of all statements since the last call. */
  takeScans(): Scan[];
  /** Returns how many blocks all statements since the last call touched, without what is only returned. */
  takeBlocks(): number;
}

/** Wraps a database so that it records the plans of its statements. */
export function explained(database: Database): Explained {
  let scans: Scan[] = [];
  let blocks = 0;

  const watched = (orm: Orm): Orm =>
    new Proxy(orm, {
      get(target, name) {
        if (name === "execute")
          return async (statement: SQL) => {
            const plan = await planOf(target, statement);
            scans.push(...scansOf(plan));
            blocks += (plan["Shared Hit Blocks"] ?? 0) + (plan["Shared Read Blocks"] ?? 0);
            return target.execute(statement);
          };
        if (name === "transaction")
          return (work: (tx: Orm) => Promise<unknown>) => target.transaction((tx) => work(watched(tx)));
        const value: unknown = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });

  return {
    ...database,
    run: (work) => database.run((orm) => work(watched(orm))),
    pool: (options) => {
      const pool = database.pool(options);
      return { ...pool, run: (work) => pool.run((orm) => work(watched(orm))) };
    },
    takeScans() {
      const taken = scans;
      scans = [];
      return taken;
    },
    takeBlocks() {
      const taken = blocks;
      blocks = 0;
      return taken;
    },
  };
}

/** Executes a statement, rolls it back, and returns how many records it wrote to the log. */
export async function walRecordsOf(orm: Orm, statement: SQL): Promise<number> {
  // The plan as a whole does not count what its last parts write.
  const recordsOf = (plan: Plan): number =>
    plan["Node Type"] === "ModifyTable"
      ? (plan["WAL Records"] ?? 0)
      : (plan.Plans ?? []).reduce((sum, part) => sum + recordsOf(part), 0);
  return recordsOf(await planOf(orm, statement, "analyze, wal"));
}

/** Returns the plan of a statement as our connections prepare it. Executes the statement and rolls it back. */
async function planOf(orm: Orm, statement: SQL, how = "analyze, buffers"): Promise<Plan> {
  const query = new PgDialect({ casing: "snake_case" }).sqlToQuery(statement);
  const name = `p${crypto.randomUUID().replaceAll("-", "")}`;
  const literals = query.params
    .map((param) => (param === null ? "null" : `'${String(param).replaceAll("'", "''")}'`))
    .join(", ");
  const values = literals === "" ? "" : `(${literals})`;
  const done = new Error("rolled back");
  let json: unknown;
  await orm
    .transaction(async (tx) => {
      await rows(tx, sql.raw(`prepare ${name} as ${query.sql}`));
      const explain = sql.raw(`explain (${how}, format json) execute ${name}${values}`);
      const [found] = await rows<{ "QUERY PLAN": unknown }>(tx, explain);
      await rows(tx, sql.raw(`deallocate ${name}`));
      json = found?.["QUERY PLAN"];
      throw done;
    })
    .catch((error: unknown) => {
      if (error !== done) throw error;
    });
  const [plan] = (typeof json === "string" ? JSON.parse(json) : json) as { Plan: Plan }[];
  if (!plan) throw new Error("Postgres returned no plan");
  return plan.Plan;
}

function scansOf(plan: Plan): Scan[] {
  const below = (plan.Plans ?? []).flatMap(scansOf);
  const table = plan["Relation Name"];
  if (table === undefined || plan["Node Type"] === "ModifyTable") return below;
  const read = (plan["Actual Rows"] ?? 0) + (plan["Rows Removed by Filter"] ?? 0);
  const rows = read * (plan["Actual Loops"] ?? 0);
  const condition = plan["Index Cond"] ?? plan["Recheck Cond"] ?? "";
  return [{ type: plan["Node Type"], table, condition, rows }, ...below];
}
