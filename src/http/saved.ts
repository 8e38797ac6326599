import { type Context, Hono } from "hono";
import * as v from "valibot";
import type { Auth } from "../auth/auth.ts";
import { type Chat, type Saved, SAVED_PAGE_MAX } from "../chat/chat.ts";
import { timestamp } from "../protocol/frames.ts";
import { ID_MAX, SAVED_MAX } from "../protocol/limits.ts";
import { MESSAGE } from "./answers.ts";
import { bearer } from "./bearer.ts";
import { listing } from "./listing.ts";
import { operation } from "./operation.ts";
import { decimal, type Env } from "./request.ts";
import { MESSAGE_PARAMS, messageParams, ROOM_PARAMS, roomParam } from "./room.ts";
import { untilTaken } from "./taken.ts";

const USUAL = 50;
const { reactions: _, ...unreacted } = MESSAGE.entries;
/** A saved message, without its reactions. */
const SAVED = v.object({ ...unreacted, savedAt: timestamp });

const LIST = v.object({
  before: v.pipe(v.optional(decimal(1, ID_MAX)), v.description("From the Link header of the page before.")),
  limit: v.optional(decimal(1, SAVED_PAGE_MAX)),
});

/** Messages that people save for themselves. */
export function savedRoutes({ auth, chat }: { readonly auth: Auth; readonly chat: Chat }) {
  const known = bearer(auth);
  const enter = (c: Context<Env>) => chat.enter(c.get("identity"), roomParam(c));

  return new Hono<Env>({ strict: false })
    .get(
      "/saved",
      known,
      operation({
        summary: "List your saved messages",
        about: `From all rooms, the latest saved first, as they are now. Deleted messages, and rooms that you may not enter any more, are left out. ${USUAL} unless the limit says otherwise, and fewer if they are long: follow Link.`,
        query: LIST,
        answers: { 200: v.array(SAVED) },
        headers: listing.headers,
        cost: { budget: "history" },
      }),
      untilTaken(),
      async (c) => {
        const { before = ID_MAX, limit = USUAL } = c.req.valid("query");
        const { saved, more } = await chat.saved.list(c.get("identity"), { before, limit });
        const last = saved.at(-1);
        if (more && last) c.header("link", `</saved/?before=${last.place}&limit=${limit}>; rel="next"`);
        c.header("cache-control", "no-store");
        return c.json(saved.map(shown), 200);
      },
    )
    .get(
      "/rooms/:room/saved",
      known,
      operation({
        summary: "Which messages of a room you have saved",
        about: "Their ids.",
        params: ROOM_PARAMS,
        answers: { 200: v.array(SAVED.entries.id) },
        refusals: ["forbidden", "not_found"],
      }),
      async (c) => {
        const ids = await chat.saved.idsIn(await enter(c));
        c.header("cache-control", "no-store");
        return c.json([...ids], 200);
      },
    )
    .put(
      "/rooms/:room/messages/:id/saved",
      known,
      operation({
        summary: "Save a message for yourself",
        about: `Nobody else learns of it. You can save ${SAVED_MAX} messages. Saving one again changes nothing.`,
        params: MESSAGE_PARAMS,
        answers: { 204: null },
        refusals: ["invalid", "forbidden", "not_found", "too_many_saved"],
      }),
      async (c) => {
        await chat.saved.save(await enter(c), messageParams(c).id);
        return c.body(null, 204);
      },
    )
    .delete(
      "/rooms/:room/messages/:id/saved",
      known,
      operation({
        summary: "Take a message out of your saved ones",
        about: "Also in rooms that you may not enter any more. If it is not there, nothing changes.",
        params: MESSAGE_PARAMS,
        answers: { 204: null },
        refusals: ["invalid"],
      }),
      async (c) => {
        const { room, id } = messageParams(c);
        await chat.saved.unsave(c.get("identity"), room, id);
        return c.body(null, 204);
      },
    );
}

const shown = ({ place: _, editedAt, data, files, replyTo, ...message }: Saved) => ({
  ...message,
  ...(editedAt !== null && { editedAt }),
  ...(replyTo !== null && { replyTo }),
  ...(data !== null && { data: JSON.parse(data) as Record<string, unknown> }),
  ...(files !== null && { files: JSON.parse(files) as NonNullable<v.InferOutput<typeof SAVED>["files"]> }),
});
