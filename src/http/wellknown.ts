import { Hono } from "hono";
import * as v from "valibot";
import type { Auth } from "../auth/auth.ts";
import { operation } from "./operation.ts";
import type { Env } from "./request.ts";

/** RFC 7517; a key has more fields, by its kind. */
const KEYS = v.object({
  keys: v.array(v.objectWithRest({ kty: v.string(), kid: v.string() }, v.unknown())),
});

/** Our public keys, for who wants to check our tokens. A new key is here seconds before it signs. */
export const wellKnownRoutes = (auth: Pick<Auth, "jwks">) =>
  new Hono<Env>({ strict: false }).get(
    "/.well-known/jwks.json",
    operation({ summary: "The keys that access tokens are signed with", answers: { 200: KEYS } }),
    async (c) => {
      c.header("cache-control", "public, max-age=60");
      return c.json(await auth.jwks(), 200);
    },
  );
