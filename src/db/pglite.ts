import type { Results } from "@electric-sql/pglite";
import { drizzle } from "drizzle-orm/pglite";
import { type Database, type Orm, type PoolOptions, sendingBy } from "./database.ts";
import type { Answer, Call, Panic, Request } from "./pglite-calls.ts";
import { createPool } from "./pool.ts";
import * as schema from "./schema.ts";
import { explainPanic } from "./unusable.ts";

const LIMIT_MS = 30_000;
/** How much general work the worker may have before it. A commit waits for that much at most. */
const GENERAL = 4;

interface PgliteOptions {
  /** The data directory; absent: in memory. */
  readonly dataDir?: string;
}

/** The embedded database. `dump` returns its data directory as a gzipped tar. */
export interface EmbeddedDatabase extends Database {
  dump(): Promise<Blob>;
}

/**
 * Opens the embedded Postgres in a worker: on the main thread its commits would starve the event loop.
 * @throws PGlite's own error if the data cannot be opened.
 */
export async function openPglite({ dataDir }: PgliteOptions): Promise<EmbeddedDatabase> {
  const worker = new Worker(new URL("./pglite-worker.ts", import.meta.url));
  const client = createClient(worker, (reason) => explainPanic(dataDir ?? "memory", reason));
  try {
    await client.call({ method: "open", dataDir });
  } catch (error) {
    client.terminate();
    throw error;
  }
  const orm = sendingBy(
    drizzle({ client: client as never, schema, casing: "snake_case" }) as unknown as Orm,
    (text, values) => client.query(text, [...values]),
  );
  // There is one connection, which cannot be replaced. So a pool is a share of the worker's queue, and a time limit.
  const pool = (options: PoolOptions) => createPool(() => ({ orm }), options);
  return {
    driver: "pglite",
    pooled: false,
    run: pool({ connections: GENERAL, limitMs: LIMIT_MS }).run,
    pool,
    connections: 1,
    failed: client.failed,
    openAll: () => Promise.resolve(1),
    dump: () => client.call({ method: "dump" }) as Promise<Blob>,
    async close() {
      try {
        await client.call({ method: "close" });
      } finally {
        client.terminate();
      }
    },
  };
}

/** The part of PGlite's interface that Drizzle uses, forwarded to the worker. `explain` returns the error of a panic. */
function createClient(worker: Worker, explain: (reason: string) => Error) {
  const waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>();
  let nextId = 1;
  // Resolves when the latest transaction has ended. Until then the connection belongs to it alone.
  let turn: Promise<unknown> = Promise.resolve();

  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => {}); // pending calls reject with it too
  let failed: Error | undefined;

  const fail = (error: Error) => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  const stop = (error: Error) => {
    failure.reject((failed = error));
    fail(error);
  };
  worker.onmessage = ({ data }: MessageEvent<Answer | Panic>) => {
    if ("panic" in data) return stop(explain(data.panic));
    const call = waiting.get(data.id);
    waiting.delete(data.id);
    if (data.error) call?.reject(Object.assign(new Error(data.error.message), { code: data.error.code }));
    else call?.resolve(data.result);
  };
  worker.onerror = ({ message }) => stop(new Error(`the embedded database failed: ${message}`));

  const call = (request: Call) =>
    new Promise<unknown>((resolve, reject) => {
      if (failed) return reject(failed);
      const id = nextId++;
      waiting.set(id, { resolve, reject });
      worker.postMessage({ ...request, id } satisfies Request);
    });

  const query = (sql: string, params: unknown[] = [], options?: { rowMode?: "array" | "object" }) =>
    call({ method: "query", sql, params, rowMode: options?.rowMode }) as Promise<Results>;

  async function transact<T>(work: (client: { query: typeof query }) => Promise<T>): Promise<T> {
    await query("begin");
    try {
      const result = await work({ query });
      await query("commit");
      return result;
    } catch (error) {
      await query("rollback");
      throw error;
    }
  }

  return {
    call,
    failed: failure.promise,
    query: (...args: Parameters<typeof query>) => turn.then(() => query(...args)),
    transaction<T>(work: (client: { query: typeof query }) => Promise<T>): Promise<T> {
      const result = turn.then(() => transact(work));
      turn = result.catch(() => {});
      return result;
    },
    terminate() {
      fail(new Error("the embedded database is closed"));
      worker.terminate();
    },
  };
}
