import { type Context, Hono } from "hono";
import * as v from "valibot";
import type { Auth } from "../auth/auth.ts";
import { disableUser, enableUser, endSessions, findUser } from "../auth/operator.ts";
import { ban, unban } from "../chat/bans.ts";
import { type Ack, OPERATOR } from "../chat/change.ts";
import type { Chat } from "../chat/chat.ts";
import { type Order, readAudit } from "../db/audit.ts";
import type { Pool } from "../db/database.ts";
import { Refusal } from "../errors.ts";
import { text } from "../protocol/text.ts";
import { type Env, readQuery } from "./request.ts";
import { messageParams, roomParam } from "./room.ts";
import { secretBearer } from "./secret.ts";

const PAGE = { usual: 100, most: 1000 } as const;

/** Every order may say why, for the audit. */
const ORDER = v.object({ reason: v.optional(text({ max: 500 }), "") });

const whole = (most: number) =>
  v.pipe(
    v.string(),
    v.regex(/^[1-9]\d{0,15}$/, "must be a whole number from 1 on"),
    v.transform(Number),
    v.maxValue(most, `must be at most ${most}`),
  );
const AUDIT = v.object({
  before: v.optional(whole(Number.MAX_SAFE_INTEGER)),
  limit: v.optional(whole(PAGE.most), String(PAGE.usual)),
});

interface AdminRoutes {
  readonly auth: Pick<Auth, "standing">;
  readonly chat: Pick<Chat, "committer">;
  readonly pool: Pool;
  /** What an operator has to bring. */
  readonly token: string;
}

/** The operator's hand, `/admin/…`: acts at once on this server, and within seconds on others of the same database. */
export function adminRoutes({ auth: { standing }, chat, pool, token }: AdminRoutes): Hono<Env> {
  const routes = new Hono<Env>({ strict: false }).basePath("/admin");
  routes.use(secretBearer(token));
  routes.use(async (c, next) => {
    await next();
    c.header("cache-control", "no-store");
  });

  routes.post("/users/:name/disable", async (c) => {
    const { userId } = await disableUser(pool, c.req.param("name"), orderOf(c));
    standing.end({ userId, sessionIds: null, reason: "account_disabled" });
    return c.body(null, 204);
  });

  routes.post("/users/:name/enable", async (c) => {
    const { userId } = await enableUser(pool, c.req.param("name"), orderOf(c));
    standing.forget({ userId, sessionIds: null });
    return c.body(null, 204);
  });

  routes.delete("/users/:name/sessions", async (c) => {
    const { userId, sessionIds } = await endSessions(pool, c.req.param("name"), orderOf(c));
    standing.end({ userId, sessionIds, reason: "session_ended" });
    return c.json({ ended: sessionIds.length });
  });

  routes.on(["PUT", "DELETE"], "/rooms/:room/bans/:name", async (c) => {
    const [room, order] = [roomParam(c), orderOf(c)];
    const userId = await pool.run((orm) => findUser(orm, c.req.param("name")));
    await (c.req.method === "PUT" ? ban : unban)(pool, { userId, room, order });
    await standing.bansChanged(userId);
    return c.body(null, 204);
  });

  routes.delete("/rooms/:room/messages/:id", async (c) => {
    const { room, id } = messageParams(c);
    const removal = { kind: "delete", room, id, clientId: crypto.randomUUID(), order: orderOf(c) } as const;
    const outcome = await new Promise<Ack | Refusal>((resolve) =>
      chat.committer.submit({ ...removal, ...OPERATOR }, resolve),
    );
    if (outcome instanceof Refusal) throw outcome;
    return c.json({ id, version: outcome.version, room });
  });

  routes.get("/audit", async (c) => {
    const { before, limit } = readQuery(c, AUDIT);
    const found = await readAudit(pool, before, limit + 1);
    const page = found.slice(0, limit);
    const last = page.at(-1);
    if (last && found.length > limit)
      c.header("link", `</admin/audit/?before=${last.id}&limit=${limit}>; rel="next"`);
    return c.json(page);
  });

  return routes;
}

const orderOf = (c: Context<Env>): Order => ({ via: "http", ...readQuery(c, ORDER) });
