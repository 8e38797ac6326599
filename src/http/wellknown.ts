import { Hono } from "hono";
import * as v from "valibot";
import type { Auth } from "../auth/auth.ts";
import { operation } from "./operation.ts";
import type { Env } from "./request.ts";

/** A JWK set (RFC 7517). Keys have more fields, depending on `kty`. */
const KEYS = v.object({
  keys: v.array(v.objectWithRest({ kty: v.string(), kid: v.string() }, v.unknown())),
});

/** The public keys for verifying this server's tokens. A new key is published seconds before it signs. */
export const wellKnownRoutes = (auth: Pick<Auth, "jwks">) =>
  new Hono<Env>({ strict: false }).get(
    "/.well-known/jwks.json",
    operation({
      summary: "Public keys for verifying access tokens",
      about: "A JWK set (RFC 7517). A new key is published before it signs anything.",
      answers: { 200: KEYS },
    }),
    async (c) => {
      c.header("cache-control", "public, max-age=60");
      return c.json(await auth.jwks(), 200);
    },
  );
