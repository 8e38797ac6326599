import { Hono } from "hono";
import * as v from "valibot";
import { listApiKeys, revokeApiKey } from "../auth/apikeystore.ts";
import type { Auth } from "../auth/auth.ts";
import { listKeys, revokeKey } from "../auth/keystore.ts";
import type { Pool } from "../db/database.ts";
import { API_KEY, KEY, REVOKED } from "./answers.ts";
import { ORDER, orderOf } from "./orders.ts";
import { operation } from "./operation.ts";
import type { Env } from "./request.ts";

const KID = v.pipe(v.string(), v.description("The key's id."));
const NAME = v.pipe(v.string(), v.description("The key's name."));

interface AdminKeyRoutes {
  readonly auth: Pick<Auth, "apiKeys" | "keys">;
  readonly pool: Pool;
}

/** Routes under `/admin` for what must be possible without stopping a server: finding and revoking stolen keys. */
export const adminKeyRoutes = ({ auth: { apiKeys, keys }, pool }: AdminKeyRoutes) =>
  new Hono<Env>({ strict: false })
    .get(
      "/keys",
      operation({
        summary: "List the keys that sign tokens",
        about: "With those that were replaced or revoked, but never the secrets themselves.",
        answers: { 200: v.array(KEY) },
      }),
      async (c) => c.json(await listKeys(pool), 200),
    )
    .delete(
      "/keys/:kid",
      operation({
        summary: "Revoke a key that signs tokens",
        about: "Nothing that it signed is accepted any more. Revoking a refresh key ends all sessions.",
        params: { kid: KID },
        query: ORDER,
        answers: { 200: REVOKED },
        refusals: ["not_found"],
      }),
      async (c) => {
        const {
          kind,
          successor = null,
          sessions,
        } = await revokeKey(pool, c.req.param("kid"), orderOf(c, c.req.valid("query")));
        await keys.reread();
        return c.json({ kind, successor, sessions }, 200);
      },
    )
    .get(
      "/api-keys",
      operation({
        summary: "List operators' keys",
        about: "Names, not the keys themselves. Revoked ones remain in the list.",
        answers: { 200: v.array(API_KEY) },
      }),
      async (c) => c.json(await listApiKeys(pool), 200),
    )
    .delete(
      "/api-keys/:name",
      operation({
        summary: "Revoke an operator's key",
        about: "Requests with it get 401 from then on.",
        params: { name: NAME },
        query: ORDER,
        answers: { 204: null },
        refusals: ["not_found"],
      }),
      async (c) => {
        await revokeApiKey(pool, c.req.param("name"), orderOf(c, c.req.valid("query")));
        apiKeys.forget();
        return c.body(null, 204);
      },
    );
