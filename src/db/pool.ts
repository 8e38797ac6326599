import type { Driver } from "../config.ts";
import { type Database, DatabaseTimeout, type Orm, type Pool, type PoolOptions } from "./database.ts";

/** Time limit for work on the general pool, in milliseconds. */
const LIMIT_MS = 10_000;

/** One set of connections. `close` ends it at once, even with work in flight. */
export interface Connections {
  readonly orm: Orm;
  close(): Promise<void>;
}

/** Creates a pool. `connect` opens connections lazily; see {@link Pool} for what happens after `limitMs`. */
export function createPool(connect: () => Connections, limitMs: number): Pool {
  let current: Connections | undefined;
  let closed = false;

  const discard = (connections: Connections) => {
    if (current === connections) current = undefined;
    return connections.close().catch(() => {}); // it is discarded, so errors do not matter
  };

  return {
    async run(work) {
      if (closed) throw new Error("the database is closed");
      const connections = (current ??= connect());
      let timer: Timer | undefined;
      const limit = new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
          reject(new DatabaseTimeout(`the database did not respond within ${limitMs} ms`));
          void discard(connections);
        }, limitMs);
      });
      try {
        return await Promise.race([work(connections.orm), limit]);
      } finally {
        clearTimeout(timer);
      }
    },
    async close() {
      closed = true;
      if (current) await discard(current);
    },
  };
}

/** Creates a database on a server: a general pool of `connections`, and further pools that close with it. */
export function createServerDatabase(
  driver: Driver,
  connect: (connections: number) => Connections,
  connections: number,
): Database {
  const pools: Pool[] = [];
  const pool = (options: PoolOptions) => {
    const made = createPool(() => connect(options.connections), options.limitMs);
    pools.push(made);
    return made;
  };
  const { run } = pool({ connections, limitMs: LIMIT_MS });
  return {
    driver,
    run,
    pool,
    close: async () => void (await Promise.all(pools.map((made) => made.close()))),
  };
}
