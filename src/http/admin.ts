import { type Context, Hono } from "hono";
import * as v from "valibot";
import type { Auth } from "../auth/auth.ts";
import { disableUser, enableUser, endSessions, findUser } from "../auth/operator.ts";
import { ban, unban } from "../store/bans.ts";
import { type Ack, OPERATOR } from "../chat/room/change.ts";
import type { Chat } from "../chat/chat.ts";
import { type Order, readAudit } from "../db/audit.ts";
import type { Pool } from "../db/database.ts";
import { Refusal } from "../errors.ts";
import { text } from "../protocol/text.ts";
import { AUDIT_ENTRY, REMOVED } from "./answers.ts";
import { secretBearer } from "./bearer.ts";
import { operation } from "./operation.ts";
import { decimal, type Env } from "./request.ts";
import { MESSAGE_PARAMS, messageParams, ROOM_PARAMS, roomParam } from "./room.ts";

const PAGE = { usual: 100, most: 1000 } as const;

/** Every order may say why, for the audit. */
const ORDER = v.object({ reason: v.optional(text({ max: 500 }), "") });

const AUDIT = v.object({
  before: v.optional(decimal(1, Number.MAX_SAFE_INTEGER)),
  limit: v.optional(decimal(1, PAGE.most), String(PAGE.usual)),
});

const ENDED = v.object({ ended: v.pipe(v.number(), v.integer()) });
const NAME = v.pipe(v.string(), v.description("The username."));
const ON_USER = { params: { name: NAME }, query: ORDER, refusals: ["not_found"] } as const;
const BAN = {
  params: { ...ROOM_PARAMS, name: NAME },
  query: ORDER,
  answers: { 204: null },
  refusals: ["not_found"],
} as const;

interface AdminRoutes {
  readonly auth: Pick<Auth, "standing">;
  readonly chat: Pick<Chat, "committer">;
  readonly pool: Pool;
  /** What an operator has to bring. */
  readonly token: string;
}

/** The operator's hand, `/admin/…`: acts at once on this server, and within seconds on others of the same database. */
export function adminRoutes({ auth: { standing }, chat, pool, token }: AdminRoutes) {
  const routes = new Hono<Env>({ strict: false }).basePath("/admin");
  routes.use(secretBearer(token, "adminToken"));
  routes.use(async (c, next) => {
    await next();
    c.header("cache-control", "no-store");
  });

  const setBan = async (c: Context<Env>, set: typeof ban, order: Order) => {
    const room = roomParam(c);
    const userId = await pool.run((orm) => findUser(orm, c.req.param("name") ?? ""));
    await set(pool, { userId, room, order });
    await standing.bansChanged(userId);
    return c.body(null, 204);
  };

  return routes
    .post(
      "/users/:name/disable",
      operation({ summary: "Disable a user", ...ON_USER, answers: { 204: null } }),
      async (c) => {
        const { userId } = await disableUser(pool, c.req.param("name"), orderOf(c.req.valid("query")));
        standing.end({ userId, sessionIds: null, reason: "account_disabled" });
        return c.body(null, 204);
      },
    )
    .post(
      "/users/:name/enable",
      operation({ summary: "Enable a user again", ...ON_USER, answers: { 204: null } }),
      async (c) => {
        const { userId } = await enableUser(pool, c.req.param("name"), orderOf(c.req.valid("query")));
        standing.forget({ userId, sessionIds: null });
        return c.body(null, 204);
      },
    )
    .delete(
      "/users/:name/sessions",
      operation({ summary: "End a user's sessions", ...ON_USER, answers: { 200: ENDED } }),
      async (c) => {
        const order = orderOf(c.req.valid("query"));
        const { userId, sessionIds } = await endSessions(pool, c.req.param("name"), order);
        standing.end({ userId, sessionIds, reason: "session_ended" });
        return c.json({ ended: sessionIds.length }, 200);
      },
    )
    .put("/rooms/:room/bans/:name", operation({ summary: "Ban a user from a room", ...BAN }), (c) =>
      setBan(c, ban, orderOf(c.req.valid("query"))),
    )
    .delete("/rooms/:room/bans/:name", operation({ summary: "Lift a ban", ...BAN }), (c) =>
      setBan(c, unban, orderOf(c.req.valid("query"))),
    )
    .delete(
      "/rooms/:room/messages/:id",
      operation({
        summary: "Delete anyone's message",
        params: MESSAGE_PARAMS,
        query: ORDER,
        answers: { 200: REMOVED },
        refusals: ["not_found"],
      }),
      async (c) => {
        const { room, id } = messageParams(c);
        const order = orderOf(c.req.valid("query"));
        const removal = { kind: "delete", room, id, clientId: crypto.randomUUID(), order } as const;
        const outcome = await new Promise<Ack | Refusal>((resolve) =>
          chat.committer.submit({ ...removal, ...OPERATOR }, resolve),
        );
        if (outcome instanceof Refusal) throw outcome;
        return c.json({ id, version: outcome.version, room }, 200);
      },
    )
    .get(
      "/audit",
      operation({
        summary: "What operators did",
        about: "The newest first.",
        query: AUDIT,
        answers: { 200: v.array(AUDIT_ENTRY) },
        headers: { Link: "The next page (next), where there is one." },
      }),
      async (c) => {
        const { before, limit } = c.req.valid("query");
        const found = await readAudit(pool, before, limit + 1);
        const page = found.slice(0, limit);
        const last = page.at(-1);
        if (last && found.length > limit)
          c.header("link", `</admin/audit/?before=${last.id}&limit=${limit}>; rel="next"`);
        return c.json(page, 200);
      },
    );
}

const orderOf = ({ reason }: v.InferOutput<typeof ORDER>): Order => ({ via: "http", reason });
