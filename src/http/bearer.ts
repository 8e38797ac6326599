import { timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import type { Auth } from "../auth/auth.ts";
import { looksLikeKey } from "../auth/apikeys.ts";
import { invalid, Refusal } from "../errors.ts";
import type { Identity } from "../identity.ts";
import type { ErrorCode } from "../protocol/codes.ts";
import type { KeyHolder } from "../scopes.ts";
import type { Origin } from "../security.ts";
import { asPerson, asServer } from "./acting.ts";
import { checkBearer } from "./cost.ts";
import { described, type Security } from "./operation.ts";
import { type Env, originOf } from "./request.ts";

/** Requires a valid access token and sets `identity`. */
export const bearer = (auth: Pick<Auth, "authenticate" | "knows">): MiddlewareHandler<Env> =>
  described(
    async (c, next) => {
      const identify = (token: string) => {
        if (looksLikeKey(token)) throw forPeople();
        return auth.authenticate(token);
      };
      c.set("identity", await checkBearer(c, auth.knows, identify));
      await next();
    },
    {
      security: ["accessToken"],
      refusals: ["token_missing", "token_invalid", "token_expired", "session_ended", "account_disabled"],
    },
  );

const forPeople = () =>
  new Refusal("token_invalid", { detail: "This address is for people: a key does not work here." });

/**
 * Requires a key, or ADMIN_TOKEN, and sets `key`. The `scope` of the route's `operation` says what the key must be allowed;
 * without one, it must be allowed everything.
 */
export const keyBearer = (apiKeys: Auth["apiKeys"]): MiddlewareHandler<Env> =>
  described(
    async (c, next) => {
      const identify = (token: string) => apiKeys.identify(token, originOf(c));
      const key = await checkBearer(c, apiKeys.knows, identify);
      if (c.req.query("as") !== undefined) throw invalid({ as: ["is not known here"] });
      c.set("key", key);
      c.set("identity", asServer(key));
      await next();
    },
    {
      security: ["key"],
      refusals: [
        "token_missing",
        "token_invalid",
        "token_expired",
        "scope_missing",
        "rate_limited",
        "invalid",
      ],
    },
  );

/** The form of an access token (RFC 7519), which no key has. */
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** Requires an access token or a key. Sets `identity` and, with a key, `key`: then the identity is the server. */
export const personOrKeyBearer = (auth: Auth) => either(auth, (token) => !JWT.test(token), false);

/**
 * Does the same, and a key with the scope `as` may act as a person. ADMIN_TOKEN does not work: people use these routes, and
 * whatever is no access token would count as a guess of it.
 */
export const actorBearer = (auth: Auth) => either(auth, looksLikeKey, true);

const either = (
  { authenticate, knows, apiKeys, people }: Auth,
  isMeantAsKey: (token: string) => boolean,
  mayAct: boolean,
) =>
  described<MiddlewareHandler<Env>>(
    async (c, next) => {
      const known = (token: string) => (isMeantAsKey(token) ? apiKeys : { knows }).knows(token);
      const shown = await checkBearer<Identity | KeyHolder>(c, known, (token) =>
        isMeantAsKey(token) ? apiKeys.identify(token, originOf(c)) : authenticate(token),
      );
      const isKey = "scopes" in shown;
      if (!(isKey && mayAct) && c.req.query("as") !== undefined) throw invalid({ as: ["is not known here"] });
      c.set("identity", isKey ? asServer(shown) : shown);
      if (isKey) c.set("key", shown);
      if (isKey && mayAct) c.set("become", (reference) => asPerson(people, shown, reference));
      await next();
    },
    {
      security: ["accessToken", "key"],
      acts: mayAct,
      refusals: [
        ...["token_missing", "token_invalid", "token_expired", "session_ended", "account_disabled"],
        ...["scope_missing", "rate_limited", "invalid", ...(mayAct ? ["forbidden", "not_found"] : [])],
      ] as ErrorCode[],
    },
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
    { security: [security], refusals: ["token_missing", "token_invalid"] },
  );
}

const digest = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest();
