import type { Auth } from "../../src/auth/auth.ts";
import type { Chat } from "../../src/chat/chat.ts";
import type { Pool } from "../../src/db/database.ts";
import { adminRoutes } from "../../src/http/admin.ts";
import { createApp } from "../../src/http/app.ts";
import type { Bodies } from "../../src/http/body.ts";
import { documentRoutes } from "../../src/http/documents/documents.ts";
import { type Health, healthRoutes } from "../../src/http/health.ts";
import { historyRoutes } from "../../src/http/history.ts";
import { memberRoutes } from "../../src/http/members.ts";
import { messageRoutes } from "../../src/http/messages.ts";
import { metricsRoutes } from "../../src/http/metrics.ts";
import { invitationRoutes } from "../../src/http/invitations.ts";
import { moderationRoutes } from "../../src/http/moderation.ts";
import { roomRoutes } from "../../src/http/rooms.ts";
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
      documentRoutes({ version: "test", routes: () => app.routes }),
      historyRoutes({ auth, chat }),
      messageRoutes({ auth, chat }),
      roomRoutes({ auth, chat }),
      moderationRoutes({ auth, chat }),
      invitationRoutes({ auth, chat }),
      memberRoutes({ auth, chat }),
      adminRoutes({ auth, chat, pool, publicUrl: undefined, security: { record() {} } }),
      metricsRoutes({ token: "of an operator", read: async () => "", security: { record() {} } }),
    ],
  });
  return app.routes;
}
