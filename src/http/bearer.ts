import { timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import type { Auth } from "../auth/auth.ts";
import { Refusal } from "../errors.ts";
import { described, type Security } from "./operation.ts";
import { bearerToken, type Env, originOf } from "./request.ts";

/** Requires a valid access token and sets `identity`. */
export const bearer = (auth: Pick<Auth, "authenticate">): MiddlewareHandler<Env> =>
  described(
    async (c, next) => {
      c.set("identity", await auth.authenticate(bearerToken(c.req.header("authorization"))));
      await next();
    },
    {
      security: "accessToken",
      refusals: ["token_missing", "token_invalid", "token_expired", "session_ended", "account_disabled"],
    },
  );

/** Requires an operator's token and sets `operator`. */
export const operatorBearer = (apiKeys: Auth["apiKeys"]): MiddlewareHandler<Env> =>
  described(
    async (c, next) => {
      const token = bearerToken(c.req.header("authorization"));
      c.set("operator", await apiKeys.identify(token, originOf(c)));
      await next();
    },
    { security: "adminToken", refusals: ["token_missing", "token_invalid", "rate_limited"] },
  );

/**
 * Requires this secret as the bearer token. Compares digests of equal length, so that timing leaks nothing.
 */
export function secretBearer(secret: string, security: Security): MiddlewareHandler<Env> {
  const wanted = digest(secret);
  return described(
    async (c, next) => {
      if (!timingSafeEqual(digest(bearerToken(c.req.header("authorization"))), wanted))
        throw new Refusal("token_invalid");
      await next();
    },
    { security, refusals: ["token_missing", "token_invalid"] },
  );
}

const digest = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest();
