import type { Auth } from "../../src/auth/auth.ts";
import type { Recovery } from "../../src/auth/recovery.ts";
import type { Chat } from "../../src/chat/chat.ts";
import type { Files } from "../../src/files/files.ts";
import type { Push } from "../../src/push/push.ts";
import type { Hooks } from "../../src/hooks/hooks.ts";
import type { Pool } from "../../src/db/database.ts";
import { createMetrics } from "../../src/metrics.ts";
import { adminRoutes } from "../../src/http/admin.ts";
import { apiKeysRoutes } from "../../src/http/apikeys.ts";
import { createApp } from "../../src/http/app.ts";
import { chatRoutes } from "../../src/http/areas.ts";
import type { Bodies } from "../../src/http/body.ts";
import { documentRoutes } from "../../src/http/documents/documents.ts";
import { type Health, healthRoutes } from "../../src/http/health.ts";
import { eventRoutes } from "../../src/http/events.ts";
import { hookRoutes } from "../../src/http/hooks.ts";
import { incomingRoutes } from "../../src/http/incoming.ts";
import { metricsRoutes } from "../../src/http/metrics.ts";
import { recoveryRoutes } from "../../src/http/recovery.ts";
import { unlimited } from "./stubs.ts";

/** Returns all routes, including the optional ones. They cannot be called, because nothing is behind them. */
export function everyRoute() {
  const [auth, chat, pool] = [{} as Auth, {} as Chat, {} as Pool];
  const app: ReturnType<typeof createApp> = createApp({
    config: { ALLOWED_ORIGINS: ["*"], TRUST_PROXY: 0 },
    auth,
    bodies: {} as Bodies,
    budgets: unlimited,
    faulted() {},
    routes: [
      healthRoutes({} as Health),
      recoveryRoutes({ auth, recovery: {} as Recovery }),
      documentRoutes({ version: "test", routes: () => app.routes }),
      ...chatRoutes({ auth, chat, files: { max: 0 } as Files, push: {} as Push }),
      apiKeysRoutes({ auth, pool, security: { record() {} } }),
      eventRoutes({ auth, chat, metrics: createMetrics() }),
      incomingRoutes({ auth, chat }),
      hookRoutes({ auth, hooks: {} as Hooks }),
      adminRoutes({
        auth,
        chat,
        pool,
        publicUrl: undefined,
        security: { record() {} },
        reindex: async () => {},
      }),
      metricsRoutes({ token: "of an operator", read: async () => "", security: { record() {} } }),
    ],
  });
  return app.routes;
}
