import { type Context, Hono, type MiddlewareHandler } from "hono";
import type { ExtractSchema } from "hono/types";
import type { Auth } from "../auth/auth.ts";
import type { Config } from "../config/config.ts";
import { databaseAway } from "../db/away.ts";
import { isDatabaseAway } from "../db/database.ts";
import type { Budgets } from "../budgets.ts";
import { problemResponse, Refusal, refusalOf } from "../errors.ts";
import type { Faulted } from "../faults.ts";
import { DATA_HEADERS } from "../headers.ts";
import { clientAddress, networkOf } from "../limits/network.ts";
import { accountRoutes } from "./account.ts";
import type { adminRoutes } from "./admin.ts";
import type { apiKeysRoutes } from "./apikeys.ts";
import type { Bodies } from "./body.ts";
import { allowOrigins } from "./cors.ts";
import type { documentRoutes } from "./documents/documents.ts";
import type { healthRoutes } from "./health.ts";
import type { historyRoutes } from "./history.ts";
import type { mentionRoutes } from "./mentions.ts";
import type { messageRoutes } from "./messages.ts";
import type { metricsRoutes } from "./metrics.ts";
import { pay } from "./cost.ts";
import { type fileRoutes, isUpload } from "./files.ts";
import type { Env } from "./request.ts";
import type { invitationRoutes } from "./invitations.ts";
import type { moderationRoutes } from "./moderation.ts";
import type { memberRoutes } from "./members.ts";
import type { recoveryRoutes } from "./recovery.ts";
import type { resumableRoutes } from "./resumable.ts";
import type { pushRoutes } from "./push.ts";
import type { pinRoutes } from "./pins.ts";
import type { roomRoutes } from "./rooms.ts";
import type { threadRoutes } from "./threads.ts";
import type { savedRoutes } from "./saved.ts";
import { wellKnownRoutes } from "./wellknown.ts";
import type { writtenRoutes } from "./written.ts";

interface AppOptions {
  readonly config: Pick<Config, "ALLOWED_ORIGINS" | "TRUST_PROXY">;
  readonly auth: Auth;
  readonly bodies: Bodies;
  readonly budgets: Budgets;
  readonly faulted: Faulted;
  /** The other routes, registered without a trailing slash. */
  readonly routes?: readonly Hono<Env>[];
}

/** The whole API as a type, for Hono's client: `hc<AppType>(url)`. A server may have no admin or metrics routes. */
export type AppType = Hono<
  Env,
  ExtractSchema<
    ReturnType<
      | typeof accountRoutes
      | typeof adminRoutes
      | typeof apiKeysRoutes
      | typeof documentRoutes
      | typeof fileRoutes
      | typeof healthRoutes
      | typeof historyRoutes
      | typeof mentionRoutes
      | typeof messageRoutes
      | typeof metricsRoutes
      | typeof invitationRoutes
      | typeof moderationRoutes
      | typeof recoveryRoutes
      | typeof resumableRoutes
      | typeof memberRoutes
      | typeof pinRoutes
      | typeof pushRoutes
      | typeof roomRoutes
      | typeof threadRoutes
      | typeof savedRoutes
      | typeof wellKnownRoutes
      | typeof writtenRoutes
    >
  >
>;

/** The HTTP API: `app.fetch(request, { address })`, with the address of the connection. */
export function createApp({ config, auth, bodies, budgets, faulted, routes = [] }: AppOptions): Hono<Env> {
  const app = new Hono<Env>({ strict: false }); // with or without a trailing slash

  app.use(defaultHeaders);
  app.use(allowOrigins(config.ALLOWED_ORIGINS));
  app.use(async (c, next) => {
    const address = clientAddress(c.req.header("x-forwarded-for"), c.env.address, config.TRUST_PROXY);
    c.set("address", address);
    c.set("network", networkOf(address));
    c.set("budgets", budgets);
    await next();
  });
  app.use(async (c, next) => {
    if (!isUpload(c.req.raw)) bodies.check(c.req.raw);
    c.set("readBody", () => bodies.read(c.req.raw));
    await next();
  });

  for (const area of [accountRoutes(auth), wellKnownRoutes(auth), ...routes]) app.route("/", area);

  app.notFound((c) => {
    pay(c);
    throw missing(app, c);
  });
  app.onError((error, c) => {
    if (error instanceof Refusal) return problemResponse(error);
    // The check of the rooms logs that the database is away, once.
    if (isDatabaseAway(error)) return problemResponse(databaseAway());
    faulted(error, "a request", { method: c.req.method, path: c.req.path });
    return problemResponse(refusalOf(error));
  });
  return app;
}

const defaultHeaders: MiddlewareHandler = async (c, next) => {
  await next();
  for (const [name, value] of Object.entries(DATA_HEADERS))
    if (!c.res.headers.has(name)) c.header(name, value);
};

/** Returns why no route matches: the path exists with other methods (RFC 9110, section 15.5.6), or not at all. */
function missing(app: Hono<Env>, c: Context): Refusal {
  const path = app.getPath(c.req.raw);
  const methods = new Set(app.routes.map(({ method }) => method).filter((method) => method !== "ALL"));
  const allowed = [...methods].filter((method) =>
    app.router.match(method, path)[0].some(([[, route]]) => route.method === method),
  );
  if (allowed.length === 0) return new Refusal("not_found");
  if (allowed.includes("GET")) allowed.push("HEAD");
  return new Refusal("method_not_allowed", { headers: { allow: allowed.join(", ") } });
}
