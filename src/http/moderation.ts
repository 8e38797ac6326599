import { type Context, Hono } from "hono";
import * as v from "valibot";
import type { Auth } from "../auth/auth.ts";
import type { Chat, Report } from "../chat/chat.ts";
import { Refusal } from "../errors.ts";
import { text } from "../protocol/text.ts";
import { BLOCK, REPORT } from "./answers.ts";
import { bearer, actorBearer } from "./bearer.ts";
import { CURSOR, ID, idParam, linkNext, listing, PAGE } from "./listing.ts";
import { operation } from "./operation.ts";
import { moderatorOf } from "./orders.ts";
import { decimal, type Env } from "./request.ts";
import { MESSAGE_PARAMS, messageParams, ROOM_PARAMS, roomParam } from "./room.ts";

/** Reports on a page. */
export const REPORTS = { usual: 20, most: 50 } as const;

const BLOCKS = v.object({
  after: v.pipe(
    v.optional(text({ min: 1, max: 300 })),
    v.description("The id of the last person of the page before."),
  ),
  limit: v.optional(decimal(1, PAGE.most)),
});
export const REPORT_LIST = v.object({
  after: v.optional(CURSOR),
  all: v.pipe(
    v.optional(v.string()),
    v.description("With or without a value: also those that were resolved."),
  ),
  limit: v.optional(decimal(1, REPORTS.most)),
});

const USER = v.pipe(v.string(), v.description("The person's id, percent-encoded; or `@username`."));
const REASON = v.object({ reason: text({ min: 1, max: 500 }) });
export const RESOLUTION = v.object({ resolution: text({ min: 1, max: 500 }) });

export const REPORT_PARAMS = { id: ID };
const IN_ROOM = ["forbidden", "not_found"] as const;

/** A report as it is shown. */
export const shownReport = ({ message: { data, files, ...message }, ...report }: Report) => ({
  ...report,
  message: {
    ...message,
    ...(data !== null && { data: JSON.parse(data) as object }),
    ...(files !== null && { files: JSON.parse(files) as object[] }),
  },
});

/** Blocks and reports. */
export function moderationRoutes({ auth, chat }: { readonly auth: Auth; readonly chat: Chat }) {
  const known = bearer(auth);
  const either = actorBearer(auth);
  const { moderation } = chat;

  /** The other person that a path names. @throws {Refusal} not_found, invalid. */
  const other = async (c: Context<Env>): Promise<number> => {
    const { userId } = c.get("identity");
    const [person] = await auth.people.find([c.req.param("user") ?? ""], { me: userId, emails: false });
    if (!person) throw new Refusal("not_found");
    if (person.id === userId) throw new Refusal("invalid", { detail: "You cannot block yourself." });
    return person.id;
  };
  const enter = async <A extends "read" | "moderate">(c: Context<Env>, action: A) => {
    c.header("cache-control", "private, no-cache");
    return chat.enter(c.get("identity"), roomParam(c), action);
  };

  return new Hono<Env>({ strict: false })
    .get(
      "/blocks",
      known,
      operation({
        summary: "List the people whom the caller blocks",
        about: "With the time since when. Nobody else sees this list.",
        query: BLOCKS,
        answers: { 200: v.array(BLOCK) },
        ...listing,
      }),
      async (c) => {
        const { after, limit = PAGE.usual } = c.req.valid("query");
        const { entries, more } = await moderation.blocks.blocks(c.get("identity").userId, { after, limit });
        linkNext(c, "/blocks/", more ? entries.at(-1)?.user.id : undefined, { limit: String(limit) });
        c.header("cache-control", "private, no-cache");
        return c.json(entries, 200);
      },
    )
    .put(
      "/blocks/:user",
      known,
      operation({
        summary: "Block a person",
        about:
          "They can no longer add the caller to rooms, and neither can post in the direct room of the two. They are not told, but can find out.",
        params: { user: USER },
        answers: { 204: null },
        refusals: ["not_found", "invalid"],
      }),
      async (c) => {
        await moderation.blocks.block(c.get("identity").userId, await other(c));
        return c.body(null, 204);
      },
    )
    .delete(
      "/blocks/:user",
      known,
      operation({
        summary: "Lift a block",
        about: "The person can add the caller to rooms again.",
        params: { user: USER },
        answers: { 204: null },
        refusals: ["not_found", "invalid"],
      }),
      async (c) => {
        await moderation.blocks.unblock(c.get("identity").userId, await other(c));
        return c.body(null, 204);
      },
    )
    .post(
      "/rooms/:room/messages/:id/report",
      known,
      operation({
        summary: "Report a message",
        about:
          "To the room's moderators and the operators. They see the message as it is now, even if it is edited or deleted later. A second report by the same person changes nothing.",
        params: MESSAGE_PARAMS,
        json: REASON,
        cost: { budget: "reports" },
        answers: { 204: null },
        refusals: IN_ROOM,
      }),
      async (c) => {
        const { id } = messageParams(c);
        await moderation.report(await enter(c, "read"), id, c.req.valid("json").reason);
        return c.body(null, 204);
      },
    )
    .get(
      "/rooms/:room/reports",
      either,
      operation({
        summary: "List a room's reports",
        scope: "rooms:moderate",
        about: "For its moderators; newest first. A page has fewer than the limit if it would be too long.",
        params: ROOM_PARAMS,
        query: REPORT_LIST,
        answers: { 200: v.array(REPORT) },
        refusals: IN_ROOM,
        ...listing,
      }),
      async (c) => {
        const { after, all, limit = REPORTS.usual } = c.req.valid("query");
        const scope = all === undefined ? "open" : "all";
        const pass = await enter(c, "moderate");
        const { entries, more } = await moderation.reports(pass, { after, limit, scope });
        const path = `/rooms/${encodeURIComponent(pass.room)}/reports/`;
        linkNext(c, path, more ? entries.at(-1)?.id : undefined, { all, limit: String(limit) });
        return c.json(entries.map(shownReport), 200);
      },
    )
    .patch(
      "/rooms/:room/reports/:id",
      either,
      operation({
        summary: "Resolve a report",
        scope: "rooms:moderate",
        about: "For moderators of the room. Says what was done about it.",
        params: { ...ROOM_PARAMS, ...REPORT_PARAMS },
        json: RESOLUTION,
        answers: { 204: null },
        refusals: IN_ROOM,
      }),
      async (c) => {
        const { resolution } = c.req.valid("json");
        const pass = await enter(c, "moderate");
        await moderation.resolve(pass, idParam(c), resolution, moderatorOf(c));
        return c.body(null, 204);
      },
    );
}
