import { Hono } from "hono";
import type { Metrics } from "../metrics.ts";
import type { Env } from "./request.ts";
import { secretBearer } from "./secret.ts";

/** The metrics in Prometheus' text format, for who brings the operator's token. */
export const metricsRoutes = (metrics: Metrics, token: string): Hono<Env> =>
  new Hono<Env>({ strict: false }).get("/metrics", secretBearer(token), async (c) =>
    c.text(await metrics.registry.metrics(), 200, {
      "content-type": metrics.registry.contentType,
      "cache-control": "no-store",
    }),
  );
