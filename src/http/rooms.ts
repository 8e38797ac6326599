import { Hono } from "hono";
import * as v from "valibot";
import type { Auth } from "../auth/auth.ts";
import type { Chat } from "../chat/chat.ts";
import { UNREAD_MAX } from "../store/member-statements.ts";
import { type Overviews, ROOMS_MAX, type RoomOverview } from "../store/lists.ts";
import { Refusal } from "../errors.ts";
import { room } from "../protocol/frames.ts";
import { ROOM } from "./answers.ts";
import { bearer } from "./bearer.ts";
import { operation } from "./operation.ts";
import { decimal, type Env } from "./request.ts";
import { ROOM_PARAMS, roomParam } from "./room.ts";

const LIMIT = { usual: 50, most: ROOMS_MAX } as const;

const QUERY = v.object({
  all: v.optional(
    v.pipe(
      v.string(),
      v.description("With or without a value: every room that one may enter, not only one's own."),
    ),
  ),
  after: v.optional(room),
  limit: v.optional(decimal(1, LIMIT.most)),
});

const LIST = {
  summary: "One's rooms",
  about: `By name, those that one has joined or posted to; ${LIMIT.usual} of them unless the limit says otherwise.`,
  query: QUERY,
  answers: { 200: v.array(ROOM) },
  headers: { Link: "The next page (next), where there is one." },
} as const;
const ONE = {
  summary: "A room",
  params: ROOM_PARAMS,
  answers: { 200: ROOM },
  refusals: ["forbidden"],
} as const;

interface RoomRoutes {
  readonly auth: Auth;
  readonly chat: Chat;
  readonly overviews: Overviews;
}

/** Lists of rooms: last message, last activity, people online, unread. */
export function roomRoutes({ auth, chat, overviews }: RoomRoutes) {
  const shown = async (overviews: readonly RoomOverview[]) => {
    const online = await chat.counts.of(overviews.map(({ room }) => room));
    return overviews.map(({ room, last, lastRead, unread }) => ({
      room,
      last,
      lastActivity: last?.timestamp ?? null,
      online: online.get(room) ?? 0,
      lastRead,
      unread: unread >= UNREAD_MAX ? `${UNREAD_MAX - 1}+` : String(unread),
    }));
  };

  return new Hono<Env>({ strict: false })
    .get("/rooms", bearer(auth), operation(LIST), async (c) => {
      const { all, after = "", limit = LIMIT.usual } = c.req.valid("query");
      const identity = c.get("identity");
      const read = all === undefined ? overviews.mine : overviews.all;
      const found = await read(identity.userId, { after, limit: limit + 1 });
      const page = found.slice(0, limit);
      const last = page.at(-1);
      if (last && found.length > limit) {
        const query = new URLSearchParams({
          ...(all !== undefined && { all }),
          after: last.room,
          limit: String(limit),
        });
        c.header("link", `</rooms/?${query}>; rel="next"`);
      }
      c.header("cache-control", "private, no-cache");
      // A page may come out shorter than asked for: what one may not enter is left out.
      const open = page.filter(({ room }) => chat.access.may(identity, room, "read"));
      return c.json(await shown(open), 200);
    })
    .get("/rooms/:room", bearer(auth), operation(ONE), async (c) => {
      const room = roomParam(c);
      const identity = c.get("identity");
      if (!chat.access.may(identity, room, "read")) throw new Refusal("forbidden");
      const found = await overviews.one(identity.userId, room);
      c.header("cache-control", "private, no-cache");
      const [overview] = await shown([found ?? { room, last: null, lastRead: null, unread: 0 }]);
      return c.json(overview, 200);
    });
}
