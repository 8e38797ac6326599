import type { Driver } from "../config.ts";
import { type Database, DatabaseTimeout, type Orm, type Pool, type PoolOptions } from "./database.ts";

/** How long work on the general pool may take, in milliseconds. */
const LIMIT_MS = 10_000;

/** One set of connections: Drizzle over it, and how to end it at once, whatever is in flight. */
export interface Connections {
  readonly orm: Orm;
  close(): Promise<void>;
}

/** A pool over `connect`, which opens connections lazily: see {@link Pool} for what happens past `limitMs`. */
export function createPool(connect: () => Connections, limitMs: number): Pool {
  let current: Connections | undefined;
  let closed = false;

  const discard = (connections: Connections) => {
    if (current === connections) current = undefined;
    return connections.close().catch(() => {}); // it is being thrown away; nobody waits for it
  };

  return {
    async run(work) {
      if (closed) throw new Error("the database is closed");
      const connections = (current ??= connect());
      let timer: Timer | undefined;
      const limit = new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
          reject(new DatabaseTimeout(`the database did not answer within ${limitMs} ms`));
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

/** A database on a server: a general pool of so many connections, and others beside it, all closed with it. */
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
