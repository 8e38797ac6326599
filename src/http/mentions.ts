import { Hono } from "hono";
import * as v from "valibot";
import type { Auth } from "../auth/auth.ts";
import { type Chat, INBOX_MAX, type InboxEntry, shownAny } from "../chat/chat.ts";
import { message } from "../protocol/frames.ts";
import { ROOM_KINDS } from "../protocol/membership.ts";
import { bearer } from "./bearer.ts";
import { operation } from "./operation.ts";
import { decimal, type Env } from "./request.ts";
import { untilTaken } from "./taken.ts";

const USUAL = 50;
const CURSOR_MAX = 128;

const MENTION = v.object({
  room: v.string(),
  kind: v.picklist(ROOM_KINDS),
  title: v.pipe(v.string(), v.description("The room's title. Empty if it has none.")),
  unread: v.pipe(v.boolean(), v.description("Whether it is after the caller's read mark.")),
  message: v.object(message),
});

const QUERY = v.object({
  before: v.pipe(
    v.optional(v.pipe(v.string(), v.maxLength(CURSOR_MAX, `must have at most ${CURSOR_MAX} characters`))),
    v.description("A cursor from a Link header."),
  ),
  limit: v.optional(decimal(1, INBOX_MAX)),
});

/** The messages that mention the caller. */
export function mentionRoutes({ auth, chat }: { readonly auth: Auth; readonly chat: Chat }) {
  return new Hono<Env>({ strict: false }).get(
    "/mentions",
    bearer(auth),
    operation({
      summary: "List the messages that mention the caller",
      about: `By name, or as part of everyone in a room that they were a member of then. Newest first, from all rooms: only what they may read now, and nothing by people whom they block. ${USUAL} unless the limit says otherwise. A page can be short or empty before the last one: follow Link.`,
      query: QUERY,
      cost: { budget: "lists", units: ({ limit = USUAL }) => Math.ceil(limit / USUAL) },
      answers: { 200: v.array(MENTION) },
      headers: { Link: "The next page (next), if there is one." },
    }),
    untilTaken(),
    async (c) => {
      const { before, limit = USUAL } = c.req.valid("query");
      const { entries, next } = await chat.inbox(c.get("identity"), { before, limit });
      if (next !== undefined) {
        const parameters = new URLSearchParams({ before: next, limit: String(limit) });
        c.header("link", `</mentions/?${parameters}>; rel="next"`);
      }
      c.header("cache-control", "private, no-cache");
      return c.json(entries.map(shown), 200);
    },
  );
}

const shown = ({ message, ...entry }: InboxEntry) => ({ ...entry, message: shownAny(message) });
