import { type Context, Hono } from "hono";
import { etag, RETAINED_304_HEADERS } from "hono/etag";
import * as v from "valibot";
import type { Auth } from "../auth/auth.ts";
import { type Chat, type HistoryResult, pagesOf, shownAny } from "../chat/chat.ts";
import { Refusal } from "../errors.ts";
import type { Message } from "../message.ts";
import { HISTORY_DEFAULT, HISTORY_MAX, HISTORY_MAX_BYTES, ID_MAX } from "../protocol/limits.ts";
import { MESSAGE, NOTICE } from "./answers.ts";
import { actorBearer } from "./bearer.ts";
import { operation } from "./operation.ts";
import { decimal, type Env } from "./request.ts";
import { ROOM_PARAMS, roomParam } from "./room.ts";
import { untilTaken } from "./taken.ts";

const QUERY = v.object({
  before: v.optional(decimal(1, ID_MAX)),
  after: v.optional(decimal(0, ID_MAX)),
  around: v.optional(decimal(1, ID_MAX)),
  limit: v.optional(decimal(1, HISTORY_MAX)),
  notices: v.optional(
    v.pipe(
      v.string(),
      v.description(
        "With or without a value: also what changed in the room and who may do what, as notices.",
      ),
    ),
  ),
  main: v.optional(
    v.pipe(
      v.string(),
      v.description(
        "With or without a value: only the main conversation, without replies that are in threads alone. A page may then be short, or even empty, before the end: follow Link.",
      ),
    ),
  ),
});

/** Headers that a 304 keeps, because scripts that revalidate by themselves read them too (Fetch, CORS protocol). */
export const HEADERS = [
  "parley-epoch",
  "parley-version",
  "link",
  "access-control-allow-origin",
  "access-control-expose-headers",
];

const PAGE = {
  summary: "A page of a room's history",
  scope: "rooms:read",
  about: `Oldest first; without parameters the newest ${HISTORY_DEFAULT}. before, after and around are message ids, and exclude each other. A page has fewer messages than the limit if it would exceed ${HISTORY_MAX_BYTES} bytes: follow Link.`,
  params: ROOM_PARAMS,
  query: QUERY,
  answers: { 200: v.array(v.union([MESSAGE, NOTICE])), 304: null },
  sends: { "If-None-Match": "The ETag of an earlier response: 304 if nothing has changed." },
  headers: {
    ETag: "For If-None-Match.",
    Link: "The older page (prev) and the newer one (next), if they exist.",
    "Parley-Epoch": "The epoch of the room's versions.",
    "Parley-Version": "The room's version.",
  },
  cost: { budget: "history", units: ({ limit }: v.InferOutput<typeof QUERY>) => pagesOf(limit) },
  refusals: ["forbidden", "not_found"],
} as const;

/** A room's history in pages by message id, for anyone who may read the room. */
export function historyRoutes({ auth, chat }: { auth: Auth; chat: Chat }) {
  const known = actorBearer(auth);
  const paced = untilTaken();
  const tagged = etag({ retainedHeaders: [...RETAINED_304_HEADERS, ...HEADERS] });

  const page = async (c: Context<Env>, query: v.InferOutput<typeof QUERY>) => {
    const room = roomParam(c);
    if ([query.before, query.after, query.around].filter((id) => id !== undefined).length > 1)
      throw new Refusal("invalid", { detail: "before, after and around exclude each other." });
    const asked = { ...query, notices: query.notices !== undefined, main: query.main !== undefined };
    const rowOf = (message: Message) => ({ room, ...shownAny(message) });
    const page = await chat.page(await chat.enter(c.get("identity"), room), asked, {
      bytes: HISTORY_MAX_BYTES,
      sizeOf: (message) => Buffer.byteLength(JSON.stringify(rowOf(message))) + 1,
    });
    c.header("cache-control", "private, no-cache");
    c.header("vary", "Authorization", { append: true });
    c.header("parley-epoch", page.epoch);
    c.header("parley-version", String(page.counter));
    const link = linkOf(`/history/${encodeURIComponent(room)}/`, page, query);
    if (link) c.header("link", link);
    return c.json(page.messages.map(rowOf), 200);
  };

  return (
    new Hono<Env>({ strict: false })
      .get("/history/:room", known, operation(PAGE), paced, tagged, (c) => page(c, c.req.valid("query")))
      // The first clients wrote it like this.
      .get("/history//:room", known, operation({ ...PAGE, unlisted: true }), paced, tagged, (c) =>
        page(c, c.req.valid("query")),
      )
  );
}

/** RFC 8288: `prev` is the older page, `next` the newer. */
export function linkOf(
  path: string,
  page: HistoryResult,
  {
    limit = HISTORY_DEFAULT,
    notices,
    main,
  }: { limit?: number | undefined; notices?: string | undefined; main?: string | undefined },
) {
  const rest = `limit=${limit}${notices === undefined ? "" : "&notices"}${main === undefined ? "" : "&main"}`;
  // Only a page of the main conversation may be empty before the end.
  const isPlace = page.messages.length > 0 || main !== undefined;
  return [
    ...(isPlace && page.older ? [`<${path}?before=${page.before}&${rest}>; rel="prev"`] : []),
    ...(isPlace && page.newer ? [`<${path}?after=${page.after}&${rest}>; rel="next"`] : []),
  ].join(", ");
}
