import { timingSafeEqual } from "node:crypto";
import { Hono } from "hono";
import { Refusal } from "../errors.ts";
import type { Metrics } from "../metrics.ts";
import { bearerToken, type Env } from "./request.ts";

const digest = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest();

/** The metrics in Prometheus' text format, for who brings the operator's token. */
export const metricsRoutes = (metrics: Metrics, token: string): Hono<Env> =>
  new Hono<Env>({ strict: false }).get("/metrics", async (c) => {
    // Digests are of one length, and comparing them tells nothing of the token by its time.
    if (!timingSafeEqual(digest(bearerToken(c.req.header("authorization"))), digest(token)))
      throw new Refusal("token_invalid");
    return c.text(await metrics.registry.metrics(), 200, {
      "content-type": metrics.registry.contentType,
      "cache-control": "no-store",
    });
  });
