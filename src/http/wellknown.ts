import { Hono } from "hono";
import type { Auth } from "../auth/auth.ts";
import type { Env } from "./request.ts";

/** Our public keys, for who wants to check our tokens. A new key is here seconds before it signs. */
export const wellKnownRoutes = (auth: Pick<Auth, "jwks">): Hono<Env> =>
  new Hono<Env>({ strict: false }).get("/.well-known/jwks.json", async (c) => {
    c.header("cache-control", "public, max-age=60");
    return c.json(await auth.jwks());
  });
