import type { SQL } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";
import type { Database, Pool } from "../../src/db/database.ts";

/** A database that notes the statements which it runs. */
export function countingStatements(database: Database, statements: string[]): Database {
  const dialect = new PgDialect();
  const watch = <T extends object>(orm: T): T =>
    new Proxy(orm, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (name === "execute")
          return (statement: SQL) => {
            statements.push(dialect.sqlToQuery(statement).sql);
            return (value as (statement: unknown) => unknown).call(target, statement);
          };
        if (name === "transaction")
          return (work: (tx: object) => unknown) =>
            (value as (work: unknown) => unknown).call(target, (tx: object) => work(watch(tx)));
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  const pool = (inner: Pool): Pool => ({
    run: (work) => inner.run((orm) => work(watch(orm))),
    close: () => inner.close(),
  });
  return { ...database, ...pool(database), pool: (options) => pool(database.pool(options)) };
}
