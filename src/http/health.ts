import { sql } from "drizzle-orm";
import { Hono } from "hono";
import * as v from "valibot";
import { type Database, rows } from "../db/database.ts";
import { operation } from "./operation.ts";
import type { Env } from "./request.ts";

/** A database that takes longer than this to answer is not ready, in milliseconds. */
const PATIENCE_MS = 2_000;

export interface Health {
  /** From now on this process is not ready: it is going away. */
  drain(): void;
  /** Why new work should go elsewhere; undefined: it may come. */
  unready(): Promise<string | undefined>;
}

/** Whether this process can take new work: it is not going away, and its database answers and takes writes. */
export function createHealth(database: Database): Health {
  const pool = database.pool({ connections: 1, limitMs: PATIENCE_MS });
  let draining = false;
  return {
    drain: () => void (draining = true),
    async unready() {
      if (draining) return "draining";
      try {
        const [row] = await pool.run((orm) =>
          rows<{ replica: boolean }>(orm, sql`select pg_is_in_recovery() as replica`),
        );
        return row?.replica ? "the database is a replica" : undefined;
      } catch {
        return "the database does not answer";
      }
    },
  };
}

const LIVES = operation({
  summary: "Whether the process lives",
  answers: { 200: v.object({ status: v.literal("ok") }) },
});
const READY = operation({
  summary: "Whether it can be given work",
  answers: {
    200: v.object({ status: v.literal("ready") }),
    503: v.object({ status: v.literal("unready"), reason: v.string() }),
  },
});

/** `/healthz`: this process lives (a database that is away is no reason to restart it). `/readyz`: it can be given work. */
export const healthRoutes = (health: Health) =>
  new Hono<Env>({ strict: false })
    .get("/healthz", LIVES, (c) => c.json({ status: "ok" }, 200, { "cache-control": "no-store" }))
    .get("/readyz", READY, async (c) => {
      const reason = await health.unready();
      const headers = { "cache-control": "no-store" };
      return reason
        ? c.json({ status: "unready", reason }, 503, headers)
        : c.json({ status: "ready" }, 200, headers);
    });
