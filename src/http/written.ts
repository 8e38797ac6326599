import { Hono } from "hono";
import * as v from "valibot";
import type { Auth } from "../auth/auth.ts";
import { type Chat, pagesOf, WRITTEN_MAX, type Written } from "../chat/chat.ts";
import { WRITTEN } from "./answers.ts";
import { bearer } from "./bearer.ts";
import { linkNext } from "./listing.ts";
import { operation } from "./operation.ts";
import { decimal, type Env } from "./request.ts";
import { untilTaken } from "./taken.ts";

const USUAL = 100;
const CURSOR_MAX = 512;

const QUERY = v.object({
  after: v.pipe(
    v.optional(v.pipe(v.string(), v.maxLength(CURSOR_MAX, `must have at most ${CURSOR_MAX} characters`))),
    v.description("A cursor from a Link header."),
  ),
  limit: v.optional(decimal(1, WRITTEN_MAX)),
});

/** What someone wrote, to take along: `/account/me/messages/`. */
export function writtenRoutes({ auth, chat }: { readonly auth: Auth; readonly chat: Chat }) {
  return new Hono<Env>({ strict: false }).get(
    "/account/me/messages",
    bearer(auth),
    operation({
      summary: "Your messages",
      about: `What you wrote and nobody deleted, room by room, also in rooms that you have left. The order within a room is fixed, but not that of time. ${USUAL} unless the limit says otherwise, and fewer if they are long: follow Link.`,
      query: QUERY,
      cost: { budget: "history", units: ({ limit = USUAL }) => pagesOf(limit) },
      answers: { 200: v.array(WRITTEN) },
      headers: { Link: "The next page (next), if there is one." },
    }),
    untilTaken(),
    async (c) => {
      const { after, limit = USUAL } = c.req.valid("query");
      const { messages, next } = await chat.written(c.get("identity"), { after, limit });
      linkNext(c, "/account/me/messages/", next, { limit: String(limit) });
      c.header("cache-control", "no-store");
      return c.json(messages.map(shown), 200);
    },
  );
}

const shown = ({ editedAt, data, files, replyTo, thread, ...message }: Written) => ({
  ...message,
  ...(editedAt !== null && { editedAt }),
  ...(replyTo !== null && { replyTo }),
  ...(thread !== null && { thread }),
  ...(data !== null && { data: JSON.parse(data) as Record<string, unknown> }),
  ...(files !== null && { files: JSON.parse(files) as NonNullable<v.InferOutput<typeof WRITTEN>["files"]> }),
});
