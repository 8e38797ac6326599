import { Hono } from "hono";
import * as v from "valibot";
import type { Auth } from "../auth/auth.ts";
import type { Chat } from "../chat/chat.ts";
import { UNREAD_MAX } from "../chat/members.ts";
import { type Overviews, ROOMS_MAX, type RoomOverview } from "../chat/overview.ts";
import { Refusal } from "../errors.ts";
import { room } from "../protocol/frames.ts";
import { bearer, type Env, readQuery } from "./request.ts";
import { roomParam } from "./room.ts";

const LIMIT = { usual: 50, most: ROOMS_MAX } as const;

const QUERY = v.object({
  /** Given, with or without a value: every room that one may enter, not only one's own. */
  all: v.optional(v.string()),
  after: v.optional(room),
  limit: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^\d{1,4}$/, "must be a whole number"),
      v.transform(Number),
      v.minValue(1, "must be at least 1"),
      v.maxValue(LIMIT.most, `must be at most ${LIMIT.most}`),
    ),
  ),
});

interface RoomRoutes {
  readonly auth: Auth;
  readonly chat: Chat;
  readonly overviews: Overviews;
}

/** Lists of rooms: last message, last activity, people online, unread. */
export function roomRoutes({ auth, chat, overviews }: RoomRoutes): Hono<Env> {
  const shown = ({ room, last, lastRead, unread }: RoomOverview) => ({
    room,
    last,
    lastActivity: last?.timestamp ?? null,
    online: chat.presence.online(room),
    lastRead,
    unread: unread >= UNREAD_MAX ? `${UNREAD_MAX - 1}+` : String(unread),
  });

  return new Hono<Env>({ strict: false })
    .get("/rooms", bearer(auth), async (c) => {
      const { all, after = "", limit = LIMIT.usual } = readQuery(c, QUERY);
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
      return c.json(page.filter(({ room }) => chat.access.may(identity, room, "read")).map(shown));
    })
    .get("/rooms/:room", bearer(auth), async (c) => {
      const room = roomParam(c);
      const identity = c.get("identity");
      if (!chat.access.may(identity, room, "read")) throw new Refusal("forbidden");
      const found = await overviews.one(identity.userId, room);
      c.header("cache-control", "private, no-cache");
      return c.json(shown(found ?? { room, last: null, lastRead: null, unread: 0 }));
    });
}
