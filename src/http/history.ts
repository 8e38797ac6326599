import { Hono } from "hono";
import { etag, RETAINED_304_HEADERS } from "hono/etag";
import * as v from "valibot";
import type { Auth } from "../auth/auth.ts";
import type { Chat } from "../chat/chat.ts";
import { shown } from "../chat/encode.ts";
import type { HistoryAnswer } from "../chat/history.ts";
import { Refusal } from "../errors.ts";
import { HISTORY_DEFAULT, HISTORY_MAX, ID_MAX } from "../protocol/limits.ts";
import { bearer, type Env, readQuery } from "./request.ts";
import { roomParam } from "./room.ts";

const number = (min: number, max: number) =>
  v.optional(
    v.pipe(
      v.string(),
      v.regex(/^\d{1,16}$/, "must be a whole number"),
      v.transform(Number),
      v.minValue(min, `must be at least ${min}`),
      v.maxValue(max, `must be at most ${max}`),
    ),
  );

const QUERY = v.object({
  before: number(1, ID_MAX),
  after: number(0, ID_MAX),
  around: number(1, ID_MAX),
  limit: number(1, HISTORY_MAX),
});

/** What a 304 has besides: a script that revalidates by itself reads them as well (Fetch, CORS protocol). */
const HEADERS = [
  "parley-epoch",
  "parley-version",
  "link",
  "access-control-allow-origin",
  "access-control-expose-headers",
];

/** A room's history by pages of message ids, for who may read the room. */
export const historyRoutes = ({ auth, chat }: { auth: Auth; chat: Chat }): Hono<Env> =>
  new Hono<Env>({ strict: false }).on(
    "GET",
    ["/history/:room", "/history//:room"], // the second is how the first clients wrote it
    bearer(auth),
    etag({ retainedHeaders: [...RETAINED_304_HEADERS, ...HEADERS] }),
    async (c) => {
      const room = roomParam(c);
      const query = readQuery(c, QUERY);
      if ([query.before, query.after, query.around].filter((id) => id !== undefined).length > 1)
        throw new Refusal("invalid", { detail: "before, after and around exclude each other." });
      if (!chat.access.may(c.get("identity"), room, "read")) throw new Refusal("forbidden");
      const page = await chat.history.page(room, query);
      c.header("cache-control", "private, no-cache");
      c.header("vary", "Authorization", { append: true });
      c.header("parley-epoch", page.epoch);
      c.header("parley-version", String(page.counter));
      const link = linkOf(room, page, query);
      if (link) c.header("link", link);
      return c.json(page.messages.map((message) => ({ room, ...shown(message) })));
    },
  );

/** RFC 8288: `prev` is the older page, `next` the newer. */
function linkOf(
  room: string,
  page: HistoryAnswer,
  { limit = HISTORY_DEFAULT }: { limit?: number | undefined },
) {
  const [first, last] = [page.messages.at(0), page.messages.at(-1)];
  const path = `/history/${encodeURIComponent(room)}/`;
  return [
    ...(first && page.older ? [`<${path}?before=${first.id}&limit=${limit}>; rel="prev"`] : []),
    ...(last && page.newer ? [`<${path}?after=${last.id}&limit=${limit}>; rel="next"`] : []),
  ].join(", ");
}
