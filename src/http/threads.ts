import { type Context, Hono } from "hono";
import { etag, RETAINED_304_HEADERS } from "hono/etag";
import * as v from "valibot";
import type { Auth } from "../auth/auth.ts";
import {
  type Chat,
  type ListedThread,
  pagesOf,
  shown,
  shownReplies,
  THREADS_MAX,
  UNREAD_MAX,
} from "../chat/chat.ts";
import { invalid, Refusal } from "../errors.ts";
import type { Message } from "../message.ts";
import { HISTORY_DEFAULT, HISTORY_MAX, HISTORY_MAX_BYTES, ID_MAX } from "../protocol/limits.ts";
import { followed, replies } from "../protocol/threads.ts";
import { glimpse, MESSAGE } from "./answers.ts";
import { bearer, actorBearer } from "./bearer.ts";
import { HEADERS, linkOf } from "./history.ts";
import { operation } from "./operation.ts";
import { decimal, type Env } from "./request.ts";
import { MESSAGE_PARAMS, messageParams } from "./room.ts";
import { untilTaken } from "./taken.ts";

const THREAD_SEAT = v.object(followed);
const THREAD = v.object({
  root: v.pipe(MESSAGE, v.description("The first message of the thread.")),
  messages: v.pipe(v.array(MESSAGE), v.description("The replies, oldest first.")),
  ...followed,
});
const LISTED_THREAD = v.object({
  room: v.string(),
  root: v.pipe(v.object(glimpse), v.description("The first message, with up to 500 characters of its text.")),
  replies,
  unread: v.pipe(v.number(), v.description("Unread replies of others, up to 100.")),
  unreadMore: v.pipe(v.boolean(), v.description("There may be more than that.")),
  ...followed,
});

const USUAL = 50;
const CURSOR_MAX = 512;

const PAGE = {
  summary: "A page of a thread",
  scope: "rooms:read",
  about: `The first message of a thread and its replies, oldest first; without parameters the newest ${HISTORY_DEFAULT}. before, after and around are message ids, and exclude each other. A page has fewer replies than the limit if it would exceed ${HISTORY_MAX_BYTES} bytes: follow Link.`,
  params: MESSAGE_PARAMS,
  query: v.object({
    before: v.optional(decimal(1, ID_MAX)),
    after: v.optional(decimal(0, ID_MAX)),
    around: v.optional(decimal(1, ID_MAX)),
    limit: v.optional(decimal(1, HISTORY_MAX)),
  }),
  answers: { 200: THREAD, 304: null },
  sends: { "If-None-Match": "The ETag of an earlier response: 304 if nothing has changed." },
  headers: {
    ETag: "For If-None-Match.",
    Link: "The older page (prev) and the newer one (next), if they exist.",
    "Parley-Epoch": "The epoch of the room's versions.",
    "Parley-Version": "The room's version.",
  },
  cost: { budget: "history", units: ({ limit }: { limit?: number | undefined }) => pagesOf(limit) },
  refusals: ["forbidden", "not_found"],
} as const;

const KEEP = {
  summary: "Follow a thread, or mark it as read",
  about:
    "Concerns the caller alone. What is absent stays as it is. The read mark never moves back. The caller's sockets get the event `thread`.",
  params: MESSAGE_PARAMS,
  json: v.strictObject({
    following: v.optional(v.boolean("must be true or false")),
    lastRead: v.optional(
      v.pipe(v.number("must be a number"), v.safeInteger(), v.minValue(1), v.maxValue(ID_MAX)),
    ),
  }),
  example: { following: true },
  cost: { budget: "marks" },
  answers: { 200: THREAD_SEAT },
  refusals: ["forbidden", "not_found"],
} as const;

const LIST = {
  summary: "List the caller's threads",
  about: `Threads that the caller follows and that have unread replies, in all rooms that the caller is a member of: by their last reply, newest first. Of those that the caller followed, read or replied in last, up to 500 are examined. ${USUAL} unless the limit says otherwise.`,
  query: v.object({
    all: v.optional(
      v.pipe(v.string(), v.description("With or without a value: also threads without unread replies.")),
    ),
    before: v.pipe(
      v.optional(v.pipe(v.string(), v.maxLength(CURSOR_MAX, `must have at most ${CURSOR_MAX} characters`))),
      v.description("A cursor from a Link header."),
    ),
    limit: v.optional(decimal(1, THREADS_MAX)),
  }),
  cost: {
    budget: "lists",
    units: ({ limit = USUAL }: { limit?: number | undefined }) => Math.ceil(limit / USUAL),
  },
  answers: { 200: v.array(LISTED_THREAD) },
  headers: { Link: "The next page (next), if there is one." },
} as const;

/** Threads: their pages, what people keep about them, and lists of those that people follow. */
export function threadRoutes({ auth, chat }: { readonly auth: Auth; readonly chat: Chat }) {
  const known = bearer(auth);
  const tagged = etag({ retainedHeaders: [...RETAINED_304_HEADERS, ...HEADERS] });
  const enter = async (c: Context<Env>) => {
    const { room, id } = messageParams(c);
    return { room, id, pass: await chat.enter(c.get("identity"), room) };
  };

  return new Hono<Env>({ strict: false })
    .get("/rooms/:room/threads/:id", actorBearer(auth), operation(PAGE), untilTaken(), tagged, async (c) => {
      const query = c.req.valid("query");
      if ([query.before, query.after, query.around].filter((id) => id !== undefined).length > 1)
        throw new Refusal("invalid", { detail: "before, after and around exclude each other." });
      const { room, id, pass } = await enter(c);
      const rowOf = (message: Message) => ({ room, ...shown(message) });
      const page = await chat.thread(pass, id, query, {
        bytes: HISTORY_MAX_BYTES,
        sizeOf: (message) => Buffer.byteLength(JSON.stringify(rowOf(message))) + 1,
      });
      c.header("cache-control", "private, no-cache");
      c.header("vary", "Authorization", { append: true });
      c.header("parley-epoch", page.epoch);
      c.header("parley-version", String(page.counter));
      const link = linkOf(`/rooms/${encodeURIComponent(room)}/threads/${id}/`, page, query);
      if (link) c.header("link", link);
      return c.json({ root: rowOf(page.root), messages: page.messages.map(rowOf), ...page.seat }, 200);
    })
    .put("/rooms/:room/threads/:id/me", known, operation(KEEP), async (c) => {
      const { following, lastRead } = c.req.valid("json");
      if (following === undefined && lastRead === undefined) throw invalid({ "": ["must change something"] });
      const { id, pass } = await enter(c);
      c.header("cache-control", "no-store");
      return c.json(await chat.keepThread(pass, id, { following, readTo: lastRead }), 200);
    })
    .get("/threads", known, operation(LIST), untilTaken(), async (c) => {
      const { all, before, limit = USUAL } = c.req.valid("query");
      const { threads, next } = await chat.threads(c.get("identity"), {
        all: all !== undefined,
        before,
        limit,
      });
      if (next !== undefined) {
        const parameters = new URLSearchParams({
          before: next,
          limit: String(limit),
          ...(all !== undefined && { all }),
        });
        c.header("link", `</threads/?${parameters}>; rel="next"`);
      }
      c.header("cache-control", "private, no-cache");
      return c.json(threads.map(listed), 200);
    });
}

const listed = ({ replies, unread, ...thread }: ListedThread) => ({
  ...thread,
  replies: shownReplies(replies),
  unread,
  unreadMore: unread >= UNREAD_MAX,
});
