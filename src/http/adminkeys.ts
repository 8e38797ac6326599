import { Hono } from "hono";
import * as v from "valibot";
import type { Auth } from "../auth/auth.ts";
import { listKeys, revokeKey } from "../auth/keystore.ts";
import type { Pool } from "../db/database.ts";
import type { SecurityLog } from "../security.ts";
import { KEY, REVOKED } from "./answers.ts";
import { apiKeyRoutes } from "./apikeys.ts";
import { ORDER, orderOf } from "./orders.ts";
import { operation } from "./operation.ts";
import type { Env } from "./request.ts";

const KID = v.pipe(v.string(), v.description("The key's id."));

interface AdminKeyRoutes {
  readonly auth: Pick<Auth, "apiKeys" | "keys">;
  readonly pool: Pool;
  readonly security: Pick<SecurityLog, "record">;
}

/** Routes under `/admin` for what must be possible without stopping a server: finding and revoking stolen keys. */
export const adminKeyRoutes = ({ auth: { apiKeys, keys }, pool, security }: AdminKeyRoutes) =>
  new Hono<Env>({ strict: false })
    .get(
      "/keys",
      operation({
        summary: "List the keys that sign tokens",
        scope: "admin:keys",
        about: "With those that were replaced or revoked, but never the secrets themselves.",
        answers: { 200: v.array(KEY) },
      }),
      async (c) => c.json(await listKeys(pool), 200),
    )
    .delete(
      "/keys/:kid",
      operation({
        summary: "Revoke a key that signs tokens",
        scope: "admin:keys",
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
    .route("/", apiKeyRoutes({ auth: { apiKeys }, pool, security }));
