import { Hono } from "hono";
import * as v from "valibot";
import { createApiKey, keyBudget } from "../auth/apikeys.ts";
import { listApiKeys } from "../auth/apikeystore.ts";
import type { Auth } from "../auth/auth.ts";
import { revokeApiKey } from "../auth/revoking.ts";
import { duration } from "../config/schemas.ts";
import type { Pool } from "../db/database.ts";
import { scopeList } from "../scopes.ts";
import type { SecurityLog } from "../security.ts";
import { API_KEY, MADE_WITH_KEY, NEW_API_KEY } from "./answers.ts";
import { keyBearer } from "./bearer.ts";
import { ORDER, orderOf } from "./orders.ts";
import { operation } from "./operation.ts";
import { type Env, originOf } from "./request.ts";

const NAME = v.pipe(v.string(), v.description("The key's name."));

const REVOKE = v.object({
  ...ORDER.entries,
  cascade: v.optional(
    v.pipe(v.picklist(["true", "false"]), v.description("Whether what was created with the key ends too.")),
    "false",
  ),
});

const CREATE = v.strictObject({
  name: v.pipe(v.string(), v.description("1 to 64 letters, digits, _, - or ., which no other key has had.")),
  scopes: scopeList,
  expires: v.optional(v.pipe(duration, v.description("How long it is valid, such as 12h or 90d."))),
  budget: v.optional(
    v.pipe(keyBudget, v.description("How many times the budgets of a person it has. 10 unless it is given.")),
  ),
});

interface ApiKeyRoutes {
  readonly auth: Pick<Auth, "apiKeys">;
  readonly pool: Pool;
  readonly security: Pick<SecurityLog, "record">;
}

/** `/api-keys`: the keys of operators and backends. */
export const apiKeysRoutes = (parts: ApiKeyRoutes) => {
  const routes = new Hono<Env>({ strict: false });
  routes.use("/api-keys/*", keyBearer(parts.auth.apiKeys), async (c, next) => {
    await next();
    c.header("cache-control", "no-store");
  });
  return routes.route("/", apiKeyRoutes(parts));
};

/** The same without the check of the key, for `/admin` too. */
export const apiKeyRoutes = ({ auth: { apiKeys }, pool, security }: ApiKeyRoutes) =>
  new Hono<Env>({ strict: false })
    .get(
      "/api-keys",
      operation({
        summary: "List the keys of operators and backends",
        about: "Names and scopes, not the keys themselves. Revoked ones remain in the list.",
        scope: "admin:keys",
        answers: { 200: v.array(API_KEY) },
      }),
      async (c) => c.json(await listApiKeys(pool), 200),
    )
    .post(
      "/api-keys",
      operation({
        summary: "Create a key",
        about:
          "The response is the only place where its token is shown. A key cannot create one that may do more than itself, and the new one expires when it does, at the latest.",
        scope: "admin:keys",
        query: ORDER,
        json: CREATE,
        example: { name: "orders", scopes: ["rooms:read:order-*", "rooms:post:order-*"], expires: "90d" },
        answers: { 201: NEW_API_KEY },
        refusals: ["forbidden"],
      }),
      async (c) => {
        const { expires: ttlMs, ...wanted } = c.req.valid("json");
        const order = orderOf(c, c.req.valid("query"));
        const key = await createApiKey(pool, { ...wanted, ttlMs }, order, c.var.key);
        security.record("api_key.create", { key: key.name, actor: c.var.key.name, origin: originOf(c) });
        return c.json(key, 201);
      },
    )
    .delete(
      "/api-keys/:name",
      operation({
        summary: "Revoke a key",
        about:
          "Requests with it get 401 from then on, on every server within 2 s. The response has what was created with it, or with keys that were: it still works. With `cascade` all of that is revoked and deleted too, also if the key was revoked before.",
        scope: "admin:keys",
        params: { name: NAME },
        query: REVOKE,
        answers: { 200: MADE_WITH_KEY },
        refusals: ["not_found"],
      }),
      async (c) => {
        const name = c.req.param("name");
        const { cascade: wanted, ...order } = c.req.valid("query");
        const cascade = wanted === "true";
        const made = await revokeApiKey(pool, name, orderOf(c, order), { cascade });
        apiKeys.forget();
        for (const key of [name, ...(cascade ? made.keys : [])])
          security.record("api_key.revoke", { key, actor: c.var.key.name, origin: originOf(c) });
        return c.json(made, 200);
      },
    );
