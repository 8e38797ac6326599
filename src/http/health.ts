import { Hono } from "hono";
import * as v from "valibot";
import type { Clock } from "../clock.ts";
import type { Database } from "../db/database.ts";
import { whyUnwritable } from "../db/writable.ts";
import { operation } from "./operation.ts";
import type { Env } from "./request.ts";

/** Timeout of the readiness query, in milliseconds. */
const QUERY_TIMEOUT_MS = 2_000;

export interface Health {
  /** Reports this process as unready from now on, because it is shutting down. */
  drain(): void;
  /** Resolves to the reason why this process cannot take new work, or undefined if it can. */
  unready(): Promise<string | undefined>;
}

/** How long the state of the database is cached, in milliseconds. Anyone may probe, and each check is a write. */
const FRESH_MS = 1_000;

/** A process is ready if it is not shutting down and its database responds and accepts writes. */
export function createHealth(database: Database, clock: Clock): Health {
  const pool = database.pool({ connections: 1, limitMs: QUERY_TIMEOUT_MS });
  let draining = false;
  let known: Promise<string | undefined> | undefined;
  const ask = () => {
    const answer = whyUnwritable(database.driver, pool);
    void answer.then(() => clock.after(FRESH_MS, () => (known = undefined)));
    return answer;
  };
  return {
    drain: () => void (draining = true),
    async unready() {
      if (draining) return "draining";
      return await (known ??= ask());
    },
  };
}

const LIVES = operation({
  summary: "Liveness probe: whether the process is running",
  about: "Ignores the database: an outage is no reason to restart the process.",
  cost: "free",
  answers: { 200: v.object({ status: v.literal("ok") }) },
});
const READY = operation({
  summary: "Readiness probe: whether the process can take new work",
  about: "503 if the process is shutting down, or if its database does not accept writes.",
  cost: "free",
  answers: {
    200: v.object({ status: v.literal("ready") }),
    503: v.object({ status: v.literal("unready"), reason: v.string() }),
  },
});

/**
 * `/healthz` reports liveness and ignores the database: an outage is no reason to restart the process.
 * `/readyz` reports readiness.
 */
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
