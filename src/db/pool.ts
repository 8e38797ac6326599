import { sql } from "drizzle-orm";
import { systemClock, within } from "../clock.ts";
import type { Driver } from "../config/config.ts";
import { Refusal } from "../errors.ts";
import {
  type Database,
  DatabaseTimeout,
  isReadOnly,
  type Orm,
  type Pool,
  type PoolOptions,
  rows,
} from "./database.ts";

/** Time limit for work on the general pool, in milliseconds. */
const LIMIT_MS = 10_000;
/** How long work waits for a connection by default, and when it may be retried after that, in milliseconds. */
const WAIT_MS = 5_000;
const RETRY_MS = 1_000;
/** The most work that waits for the connections of one pool. */
const WAITING_MAX = 10_000;

/** One connection, which does one piece of work at a time. */
export interface Connection {
  readonly orm: Orm;
  /** Ends it at once, even with work in flight. Absent if it cannot be replaced: then it stays until its work ends. */
  close?(): Promise<void>;
}

/** Creates a pool. `connect` creates a connection, which opens on first use. */
export function createPool(
  connect: () => Connection,
  { connections, limitMs, waitMs = WAIT_MS }: PoolOptions,
): Pool {
  /** Those that work, and those that are free, with the most recently used last. */
  const working = new Set<Connection>();
  let free: Connection[] = [];
  const waiting = new Set<PromiseWithResolvers<Connection>>();
  let closed = false;

  const start = (): Connection => {
    const connection = free.pop() ?? connect();
    working.add(connection);
    return connection;
  };

  function take(): Connection | Promise<Connection> {
    if (closed) throw new Error("the database is closed");
    if (working.size < connections) return start();
    if (waiting.size >= WAITING_MAX) throw busy();
    const place = Promise.withResolvers<Connection>();
    waiting.add(place);
    const timer = setTimeout(() => waiting.delete(place) && place.reject(busy()), waitMs);
    return place.promise.finally(() => clearTimeout(timer));
  }

  const next = () => {
    if (closed) return;
    for (const place of waiting) {
      if (working.size >= connections) break;
      waiting.delete(place);
      place.resolve(start());
    }
  };

  const discard = (discarded: Iterable<Connection>) =>
    // Their errors do not matter any more.
    Promise.all([...discarded].map((connection) => connection.close?.().catch(() => {})));

  /** The free connections may be no better than the abandoned one. Those that work have their own limits. */
  const abandon = (connection: Connection) => {
    if (!connection.close) return;
    working.delete(connection);
    void discard([connection, ...free]);
    free = [];
    next();
  };

  const end = (connection: Connection) => {
    if (!working.delete(connection)) return;
    free.push(connection);
    next();
  };

  return {
    async run(work) {
      const connection = await take();
      const { promise: limit, reject } = Promise.withResolvers<never>();
      const timer = setTimeout(() => {
        reject(new DatabaseTimeout(`the database did not respond within ${limitMs} ms`));
        abandon(connection);
      }, limitMs);
      const done = work(connection.orm)
        .catch((error: unknown) => {
          if (isReadOnly(error)) abandon(connection);
          throw error;
        })
        .finally(() => {
          clearTimeout(timer);
          end(connection);
        });
      return await Promise.race([done, limit]);
    },
    async close() {
      closed = true;
      for (const { reject } of waiting) reject(new Error("the database is closed"));
      waiting.clear();
      const open = [...working, ...free];
      working.clear();
      free = [];
      await discard(open);
    },
  };
}

const busy = () => new Refusal("busy", { retryAfterMs: RETRY_MS });

/** Creates a database on a server: a general pool of `connections`, and further pools that close with it. */
export function createServerDatabase(
  driver: Driver,
  pooled: boolean,
  connect: () => Connection,
  connections: number,
): Database {
  const pools = new Map<Pool, number>();
  const pool = (options: PoolOptions): Pool => {
    const made = createPool(connect, options);
    pools.set(made, options.connections);
    const close = () => {
      pools.delete(made);
      return made.close();
    };
    return { run: made.run, close };
  };
  const { run } = pool({ connections, limitMs: LIMIT_MS });
  return {
    driver,
    pooled,
    run,
    pool,
    get connections() {
      return pools.values().reduce((sum, count) => sum + count, 0);
    },
    failed: new Promise(() => {}),
    async openAll(limitMs) {
      let opened = 0;
      // Concurrent work on one pool takes a connection each.
      const each = [...pools].flatMap(([made, count]) =>
        Array.from({ length: count }, () =>
          made
            .run((orm) => rows(orm, sql`select 1`))
            .then(
              () => opened++,
              () => {},
            ),
        ),
      );
      await within(systemClock, limitMs, Promise.all(each));
      return opened;
    },
    close: async () => void (await Promise.all([...pools.keys()].map((made) => made.close()))),
  };
}
