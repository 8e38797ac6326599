import { type SQL, sql } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";
import { type Database, type Orm, rows } from "../../src/db/database.ts";

/** One step of a plan that reads a table or an index of it. */
export interface Scan {
  readonly type: string;
  readonly table: string;
  /** What is looked up in the index; "" where it is read from end to end. */
  readonly condition: string;
}

interface Plan {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Index Cond"?: string;
  readonly Plans?: readonly Plan[];
}

/** A database that explains each statement before it carries it out. */
export interface Explained extends Database {
  /** How what was asked since the last call reads its tables. */
  takeScans(): Scan[];
}

export function explained(database: Database): Explained {
  let scans: Scan[] = [];

  const watched = (orm: Orm): Orm =>
    new Proxy(orm, {
      get(target, name) {
        if (name === "execute")
          return async (statement: SQL) => {
            scans.push(...scansOf(await planOf(target, statement)));
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
  };
}

/** The plan that a connection of ours uses for a statement that it has prepared. */
async function planOf(orm: Orm, statement: SQL): Promise<Plan> {
  const query = new PgDialect({ casing: "snake_case" }).sqlToQuery(statement);
  const name = `p${crypto.randomUUID().replaceAll("-", "")}`;
  const literals = query.params.map((param) => `'${String(param).replaceAll("'", "''")}'`).join(", ");
  return orm.transaction(async (tx) => {
    await rows(tx, sql.raw(`prepare ${name} as ${query.sql}`));
    const values = literals === "" ? "" : `(${literals})`;
    const found = await rows<{ "QUERY PLAN": unknown }>(
      tx,
      sql.raw(`explain (format json) execute ${name}${values}`),
    );
    await rows(tx, sql.raw(`deallocate ${name}`));
    const json = found[0]?.["QUERY PLAN"];
    const [plan] = (typeof json === "string" ? JSON.parse(json) : json) as { Plan: Plan }[];
    if (!plan) throw new Error("there is no plan");
    return plan.Plan;
  });
}

function scansOf(plan: Plan): Scan[] {
  const below = (plan.Plans ?? []).flatMap(scansOf);
  const table = plan["Relation Name"];
  if (table === undefined || plan["Node Type"] === "ModifyTable") return below;
  return [{ type: plan["Node Type"], table, condition: plan["Index Cond"] ?? "" }, ...below];
}
