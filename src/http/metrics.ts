import { Hono } from "hono";
import { METRICS_TYPE } from "../metrics.ts";
import type { SecurityLog } from "../security.ts";
import { secretBearer } from "./bearer.ts";
import { operation } from "./operation.ts";
import type { Env } from "./request.ts";

interface MetricsRoutes {
  readonly token: string;
  read(): Promise<string>;
  readonly security: Pick<SecurityLog, "record">;
}

/** Serves metrics in the Prometheus text format to callers that send `METRICS_TOKEN`. */
export const metricsRoutes = ({ token, read, security }: MetricsRoutes) => {
  // Concurrent scrapes share one collection.
  let underWay: Promise<string> | undefined;
  const collect = () => (underWay ??= read().finally(() => (underWay = undefined)));
  return new Hono<Env>({ strict: false }).get(
    "/metrics",
    secretBearer(token, "metricsToken", (origin) => security.record("scrape.fail", { origin })),
    operation({
      summary: "Metrics in the Prometheus text format",
      about: "Those of all processes that share this server's port, added up.",
      answers: { 200: "text/plain" },
    }),
    async (c) =>
      c.text(await collect(), 200, {
        "content-type": METRICS_TYPE,
        "cache-control": "no-store",
      }),
  );
};
