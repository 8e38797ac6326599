import { timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import type { Auth } from "../auth/auth.ts";
import { Refusal } from "../errors.ts";
import type { Origin } from "../security.ts";
import { checkBearer } from "./cost.ts";
import { described, type Security } from "./operation.ts";
import { type Env, originOf } from "./request.ts";

/** Requires a valid access token and sets `identity`. */
export const bearer = (auth: Pick<Auth, "authenticate" | "knows">): MiddlewareHandler<Env> =>
  described(
    async (c, next) => {
      c.set("identity", await checkBearer(c, auth.knows, auth.authenticate));
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
      const identify = (token: string) => apiKeys.identify(token, originOf(c));
      c.set("operator", await checkBearer(c, apiKeys.knows, identify));
      await next();
    },
    { security: "adminToken", refusals: ["token_missing", "token_invalid", "rate_limited"] },
  );

/**
 * Requires this secret as the bearer token. Compares digests of equal length, so that timing leaks nothing.
 */
export function secretBearer(
  secret: string,
  security: Security,
  onWrong: (origin: Origin) => void,
): MiddlewareHandler<Env> {
  const wanted = digest(secret);
  const isWanted = (token: string) => timingSafeEqual(digest(token), wanted);
  return described(
    async (c, next) => {
      await checkBearer(c, isWanted, (token) => {
        if (isWanted(token)) return;
        onWrong(originOf(c));
        throw new Refusal("token_invalid");
      });
      await next();
    },
    { security, refusals: ["token_missing", "token_invalid"] },
  );
}

const digest = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest();
