import { type Context, Hono } from "hono";
import * as v from "valibot";
import type { Auth } from "../auth/auth.ts";
import { disableUser, enableUser, endSessions, restoreUser } from "../auth/operator.ts";
import { findUser } from "../auth/people.ts";
import { createLink } from "../auth/links.ts";
import type { Chat } from "../chat/chat.ts";
import { duration } from "../config/schemas.ts";
import { readAudit } from "../db/audit.ts";
import type { Pool } from "../db/database.ts";
import type { Order } from "../order.ts";
import { room } from "../protocol/frames.ts";
import type { Facts, SecurityEvent, SecurityLog } from "../security.ts";
import { adminModerationRoutes } from "./adminmoderation.ts";
import { adminPeopleRoutes } from "./adminpeople.ts";
import { adminPinRoutes } from "./adminpins.ts";
import { adminPostRoutes } from "./adminposts.ts";
import { adminRoomRoutes } from "./adminrooms.ts";
import { adminKeyRoutes } from "./adminkeys.ts";
import { AUDIT_ENTRY, REGISTRATION_LINK, REMOVED } from "./answers.ts";
import { keyBearer } from "./bearer.ts";
import { ORDER, orderOf } from "./orders.ts";
import { operation } from "./operation.ts";
import { decimal, type Env, originOf } from "./request.ts";
import { MESSAGE_PARAMS, messageParams, ROOM_PARAMS, roomParam } from "./room.ts";

const PAGE = { usual: 100, most: 1000 } as const;

const AUDIT = v.object({
  before: v.optional(decimal(1, Number.MAX_SAFE_INTEGER)),
  limit: v.pipe(v.optional(decimal(1, PAGE.most), String(PAGE.usual)), v.metadata({ default: PAGE.usual })),
});

const LINK = v.object({
  ...ORDER.entries,
  expires: v.pipe(v.optional(duration, "7d"), v.description("How long it is valid, such as 12h or 7d.")),
});

const ENDED = v.object({ ended: v.pipe(v.number(), v.integer()) });
const NAME = v.pipe(
  v.string(),
  v.description(
    "The person's id, username or email address. Prefixes make clear which: @username, mailto:address.",
  ),
);
const ON_USER = { params: { name: NAME }, query: ORDER, refusals: ["not_found"] } as const;
const IN_ROOM = v.object({ ...ORDER.entries, room: v.optional(room) });
const REMOVED_ALL = v.object({ removed: v.pipe(v.number(), v.integer()), more: v.boolean() });
const BAN = {
  params: { ...ROOM_PARAMS, name: NAME },
  query: ORDER,
  answers: { 204: null },
  refusals: ["not_found"],
} as const;

interface AdminRoutes {
  readonly auth: Pick<Auth, "apiKeys" | "keys" | "people" | "standing">;
  readonly chat: Chat;
  readonly pool: Pool;
  /** PUBLIC_URL. */
  readonly publicUrl: string | undefined;
  readonly security: Pick<SecurityLog, "record">;
  /** Has the index of messages written again, or removes it if the search is off. */
  reindex(): Promise<void>;
}

/** Operator actions, `/admin/…`. They take effect at once on this server, and within seconds on others with its database. */
export function adminRoutes({ auth, chat, pool, publicUrl, security, reindex }: AdminRoutes) {
  const { apiKeys, standing } = auth;
  const routes = new Hono<Env>({ strict: false }).basePath("/admin");
  routes.use(keyBearer(apiKeys));
  routes.use(async (c, next) => {
    await next();
    c.header("cache-control", "no-store");
  });

  const record = (c: Context<Env>, event: SecurityEvent, facts: Facts) =>
    security.record(event, { ...facts, actor: c.var.key.name, origin: originOf(c) });

  const setBan = async (c: Context<Env>, banned: boolean, order: Order) => {
    const room = roomParam(c);
    const { id: userId } = await pool.run((orm) => findUser(orm, c.req.param("name") ?? ""));
    await (banned ? chat.ban : chat.unban)(userId, room, order);
    record(c, banned ? "user.ban" : "user.unban", { userId, room });
    return c.body(null, 204);
  };

  return routes
    .route("/", adminKeyRoutes({ auth, pool, security }))
    .route("/", adminPeopleRoutes({ auth, security }))
    .route("/", adminModerationRoutes({ auth, chat, security }))
    .route("/", adminRoomRoutes({ auth, chat, security }))
    .route("/", adminPinRoutes({ chat, security }))
    .route("/", adminPostRoutes({ chat, pool }))
    .post(
      "/users/:name/disable",
      operation({
        summary: "Disable a user",
        scope: "admin:people",
        about:
          "Their tokens no longer work, and their sockets are closed. Their sessions remain for when they are enabled again.",
        ...ON_USER,
        answers: { 204: null },
      }),
      async (c) => {
        const { userId } = await disableUser(pool, c.req.param("name"), orderOf(c, c.req.valid("query")));
        record(c, "user.disable", { userId });
        standing.end({ userId, sessionIds: null, reason: "account_disabled" });
        return c.body(null, 204);
      },
    )
    .post(
      "/users/:name/enable",
      operation({
        summary: "Enable a user again",
        scope: "admin:people",
        about: "Their sessions work again.",
        ...ON_USER,
        answers: { 204: null },
      }),
      async (c) => {
        const { userId } = await enableUser(pool, c.req.param("name"), orderOf(c, c.req.valid("query")));
        record(c, "user.enable", { userId });
        standing.forget({ userId, sessionIds: null });
        return c.body(null, 204);
      },
    )
    .post(
      "/users/:name/restore",
      operation({
        summary: "Restore a deleted account",
        scope: "admin:people",
        about: "Until it is erased (DELETE_AFTER). The person has to log in again.",
        ...ON_USER,
        answers: { 204: null },
      }),
      async (c) => {
        const { userId } = await restoreUser(pool, c.req.param("name"), orderOf(c, c.req.valid("query")));
        record(c, "account.restore", { userId });
        standing.forget({ userId, sessionIds: null });
        return c.body(null, 204);
      },
    )
    .delete(
      "/users/:name/sessions",
      operation({
        summary: "End a user's sessions",
        scope: "admin:people",
        about:
          "Logs them out everywhere. People of an outside identity provider have no sessions here: disable them instead.",
        ...ON_USER,
        answers: { 200: ENDED },
      }),
      async (c) => {
        const order = orderOf(c, c.req.valid("query"));
        const { userId, sessionIds } = await endSessions(pool, c.req.param("name"), order);
        record(c, "sessions.end", { userId, sessions: sessionIds.length });
        standing.end({ userId, sessionIds, reason: "session_ended" });
        return c.json({ ended: sessionIds.length }, 200);
      },
    )
    .post(
      "/registration-links",
      operation({
        summary: "Create a registration link",
        scope: "admin:people",
        about: "It creates one account, if REGISTRATION is invite.",
        query: LINK,
        answers: { 201: REGISTRATION_LINK },
      }),
      async (c) => {
        const { expires: ttlMs, ...order } = c.req.valid("query");
        const link = await createLink(pool, { ttlMs, publicUrl }, orderOf(c, order));
        record(c, "link.create", {});
        return c.json(link, 201);
      },
    )
    .put(
      "/rooms/:room/bans/:name",
      operation({
        summary: "Ban a user from a room",
        scope: "rooms:moderate",
        about: "Ends their membership, and nobody can add them again until the ban is lifted.",
        ...BAN,
      }),
      (c) => setBan(c, true, orderOf(c, c.req.valid("query"))),
    )
    .delete(
      "/rooms/:room/bans/:name",
      operation({
        summary: "Lift a ban",
        scope: "rooms:moderate",
        about: "They are not a member by that, but can be again.",
        ...BAN,
      }),
      (c) => setBan(c, false, orderOf(c, c.req.valid("query"))),
    )
    .delete(
      "/rooms/:room/messages/:id",
      operation({
        summary: "Delete anyone's message",
        scope: "rooms:moderate",
        about:
          "Its text and reactions are gone for everyone, and a message without text remains in its place.",
        params: MESSAGE_PARAMS,
        query: ORDER,
        answers: { 200: REMOVED },
        refusals: ["not_found"],
      }),
      async (c) => {
        const { room, id } = messageParams(c);
        const { version } = await chat.remove(room, id, orderOf(c, c.req.valid("query")));
        record(c, "message.delete", { room, messageId: id });
        return c.json({ id, version, room }, 200);
      },
    )
    .delete(
      "/users/:name/messages",
      operation({
        summary: "Delete a user's messages",
        scope: "admin:moderation",
        about: "In one room, or in all. At most 500 each time; more says whether to repeat it.",
        ...ON_USER,
        query: IN_ROOM,
        answers: { 200: REMOVED_ALL },
      }),
      async (c) => {
        const { room = null, ...order } = c.req.valid("query");
        const { id: userId } = await pool.run((orm) => findUser(orm, c.req.param("name")));
        return c.json(await chat.removeMessages({ userId, room }, orderOf(c, order)), 200);
      },
    )
    .post(
      "/search/reindex",
      operation({
        summary: "Index all messages again",
        scope: "admin:search",
        about:
          "The server does so in the background. Meanwhile the search goes on, with what it has. If SEARCH is off, it removes the index.",
        answers: { 204: null },
      }),
      async (c) => {
        await reindex();
        return c.body(null, 204);
      },
    )
    .get(
      "/audit",
      operation({
        summary: "List what operators did",
        scope: "admin:audit",
        about: "Newest first.",
        query: AUDIT,
        answers: { 200: v.array(AUDIT_ENTRY) },
        headers: { Link: "The next page (next), if there is one." },
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
