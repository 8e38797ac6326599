import { type Context, Hono } from "hono";
import * as v from "valibot";
import type { Auth } from "../auth/auth.ts";
import type { Chat } from "../chat/chat.ts";
import type { Facts, SecurityEvent, SecurityLog } from "../security.ts";
import { PURGED, REMOVED, REPORT } from "./answers.ts";
import { idParam, linkNext } from "./listing.ts";
import { REPORT_LIST, REPORT_PARAMS, REPORTS, RESOLUTION, shownReport } from "./moderation.ts";
import { ORDER, orderOf } from "./orders.ts";
import { operation } from "./operation.ts";
import { type Env, originOf } from "./request.ts";
import { ROOM_PARAMS, roomParam } from "./room.ts";

const USER = v.pipe(
  v.string(),
  v.description("The person's id, percent-encoded; or `@username`, or `mailto:` and the email address."),
);

interface AdminModerationRoutes {
  readonly auth: Pick<Auth, "people">;
  readonly chat: Pick<Chat, "moderation">;
  readonly security: Pick<SecurityLog, "record">;
}

/** Routes under `/admin` about what people wrote: reports, purges and the deletion of rooms. */
export function adminModerationRoutes({ auth, chat: { moderation }, security }: AdminModerationRoutes) {
  const record = (c: Context<Env>, event: SecurityEvent, facts: Facts) =>
    security.record(event, { ...facts, actor: c.var.key.name, origin: originOf(c) });

  return new Hono<Env>({ strict: false })
    .get(
      "/reports",
      operation({
        summary: "List the reports of all rooms",
        scope: "admin:moderation",
        about: "Newest first. A page has fewer than the limit if it would be too long.",
        query: REPORT_LIST,
        answers: { 200: v.array(REPORT) },
        headers: { Link: "The next page (next), if there is one." },
      }),
      async (c) => {
        const { after, all, limit = REPORTS.usual } = c.req.valid("query");
        const scope = all === undefined ? "open" : "all";
        const { entries, more } = await moderation.allReports({ after, limit, scope });
        linkNext(c, "/admin/reports/", more ? entries.at(-1)?.id : undefined, { all, limit: String(limit) });
        return c.json(entries.map(shownReport), 200);
      },
    )
    .patch(
      "/reports/:id",
      operation({
        summary: "Resolve a report",
        scope: "admin:moderation",
        about: "Says what was done about it.",
        params: REPORT_PARAMS,
        query: ORDER,
        json: RESOLUTION,
        answers: { 204: null },
        refusals: ["not_found"],
      }),
      async (c) => {
        const order = orderOf(c, c.req.valid("query"));
        await moderation.resolveAny(idParam(c), c.req.valid("json").resolution, order);
        return c.body(null, 204);
      },
    )
    .post(
      "/users/:user/purge",
      operation({
        summary: "Delete everything that a user wrote",
        scope: "admin:moderation",
        about:
          "In all rooms, and their reactions. Disable or ban them first. It works for ten seconds at most; more says whether to repeat it.",
        params: { user: USER },
        query: ORDER,
        answers: { 200: PURGED },
        refusals: ["not_found"],
      }),
      async (c) => {
        const { id: userId } = await auth.people.get(c.req.param("user"));
        record(c, "user.purge", { userId });
        return c.json(await moderation.purge(userId, orderOf(c, c.req.valid("query"))), 200);
      },
    )
    .delete(
      "/rooms/:room",
      operation({
        summary: "Delete a room",
        scope: "rooms:manage",
        about:
          "With everything in it: everyone leaves it, and nobody sees its past again. A later message or creation under its name begins a new life of it, whose versions continue.",
        params: ROOM_PARAMS,
        query: ORDER,
        answers: { 200: REMOVED },
        refusals: ["not_found"],
      }),
      async (c) => {
        const room = roomParam(c);
        const { id, version } = await moderation.deleteRoom(room, orderOf(c, c.req.valid("query")));
        record(c, "room.delete", { room });
        return c.json({ id, version, room }, 200);
      },
    );
}
