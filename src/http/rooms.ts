import { Hono } from "hono";
import * as v from "valibot";
import type { Auth } from "../auth/auth.ts";
import { type Chat, type ListedRoom, ROOMS_MAX, UNREAD_MAX } from "../chat/chat.ts";
import { room } from "../protocol/frames.ts";
import { ROOM } from "./answers.ts";
import { bearer } from "./bearer.ts";
import { operation } from "./operation.ts";
import { decimal, type Env } from "./request.ts";
import { ROOM_PARAMS, roomParam } from "./room.ts";
import { untilTaken } from "./taken.ts";

const LIMIT = { usual: 50, most: ROOMS_MAX } as const;

const QUERY = v.object({
  all: v.optional(
    v.pipe(
      v.string(),
      v.description("With or without a value: every room that the caller may enter, not only their own."),
    ),
  ),
  like: v.optional(
    v.pipe(
      room,
      v.description(
        "Rooms that the caller may enter and whose names look like this one: look for them before creating a room.",
      ),
    ),
  ),
  after: v.optional(room),
  limit: v.optional(decimal(1, LIMIT.most)),
});

const LIST = {
  summary: "List the caller's rooms",
  about: `By name, the rooms that the caller has joined or posted to and has not left. ${LIMIT.usual} unless the limit says otherwise.`,
  query: QUERY,
  cost: {
    budget: "lists",
    units: ({ limit = LIMIT.usual }: v.InferOutput<typeof QUERY>) => Math.ceil(limit / LIMIT.usual),
  },
  answers: { 200: v.array(ROOM) },
  headers: { Link: "The next page (next), if there is one." },
} as const;
const ONE = {
  summary: "Show a room",
  params: ROOM_PARAMS,
  cost: { budget: "lists" },
  answers: { 200: ROOM },
  refusals: ["forbidden"],
} as const;

const LEAVE = {
  summary: "Leave a room for good",
  about:
    "Ends the membership: the room leaves the caller's list, and their sockets leave the room. Joining or posting again makes them a member again.",
  params: ROOM_PARAMS,
  cost: { budget: "joins" },
  answers: { 204: null },
  refusals: ["forbidden"],
} as const;

/** Lists of rooms: last message, last activity, people online, unread. */
export function roomRoutes({ auth, chat }: { readonly auth: Auth; readonly chat: Chat }) {
  const shown = ({ room, last, lastRead, unread, online }: ListedRoom) => ({
    room,
    last,
    lastActivity: last?.timestamp ?? null,
    online,
    lastRead,
    unread: unread >= UNREAD_MAX ? `${UNREAD_MAX - 1}+` : String(unread),
  });

  return new Hono<Env>({ strict: false })
    .get("/rooms", bearer(auth), operation(LIST), untilTaken(), async (c) => {
      const { all, like, after = "", limit = LIMIT.usual } = c.req.valid("query");
      const scope = all === undefined && like === undefined ? "mine" : "all";
      const { rooms, next } = await chat.rooms(c.get("identity"), { scope, like, after, limit });
      if (next !== undefined) {
        const query = new URLSearchParams({
          ...(all !== undefined && { all }),
          ...(like !== undefined && { like }),
          after: next,
          limit: String(limit),
        });
        c.header("link", `</rooms/?${query}>; rel="next"`);
      }
      c.header("cache-control", "private, no-cache");
      return c.json(rooms.map(shown), 200);
    })
    .get("/rooms/:room", bearer(auth), operation(ONE), async (c) => {
      const pass = await chat.enter(c.get("identity"), roomParam(c));
      c.header("cache-control", "private, no-cache");
      return c.json(shown(await chat.room(pass)), 200);
    })
    .delete("/rooms/:room/members/me", bearer(auth), operation(LEAVE), async (c) => {
      await chat.leave(c.get("identity"), roomParam(c));
      return c.body(null, 204);
    });
}
