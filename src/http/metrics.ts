import { Hono } from "hono";
import type { Metrics } from "../metrics.ts";
import { secretBearer } from "./bearer.ts";
import { operation } from "./operation.ts";
import type { Env } from "./request.ts";

/** The metrics in Prometheus' text format, for who brings the operator's token. */
export const metricsRoutes = (metrics: Metrics, token: string) =>
  new Hono<Env>({ strict: false }).get(
    "/metrics",
    secretBearer(token, "metricsToken"),
    operation({ summary: "Metrics in Prometheus' text format", answers: { 200: "text/plain" } }),
    async (c) =>
      c.text(await metrics.registry.metrics(), 200, {
        "content-type": metrics.registry.contentType,
        "cache-control": "no-store",
      }),
  );
