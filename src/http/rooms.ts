import { Hono } from "hono";
import * as v from "valibot";
import type { Auth } from "../auth/auth.ts";
import { type Chat, type ListedRoom, type RoomPage, ROOMS_MAX, UNREAD_MAX } from "../chat/chat.ts";
import { Refusal } from "../errors.ts";
import type { Identity } from "../identity.ts";
import { room } from "../protocol/frames.ts";
import { PREFERENCES, ROOM } from "./answers.ts";
import { bearer, actorBearer } from "./bearer.ts";
import { operation } from "./operation.ts";
import { decimal, type Env } from "./request.ts";
import { ROOM_PARAMS, roomParam } from "./room.ts";
import { untilTaken } from "./taken.ts";

const LIMIT = { usual: 50, most: ROOMS_MAX } as const;

const CURSOR_MAX = 512;

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
  order: v.pipe(
    v.optional(v.picklist(["name", "activity"], "must be name or activity")),
    v.description(
      "`activity`: the caller's own rooms, pinned ones first, then by their newest message, newest first.",
    ),
  ),
  after: v.pipe(v.optional(room), v.description("With the order by name: the name before the first one.")),
  before: v.pipe(
    v.optional(v.pipe(v.string(), v.maxLength(CURSOR_MAX, `must have at most ${CURSOR_MAX} characters`))),
    v.description("With the order by activity: a cursor from a Link header."),
  ),
  hidden: v.pipe(
    v.optional(v.string()),
    v.description("With the order by activity, with or without a value: hidden rooms too."),
  ),
  limit: v.optional(decimal(1, LIMIT.most)),
});

const LIST = {
  summary: "List the caller's rooms",
  about: `The rooms that the caller is a member of, by name or by activity. ${LIMIT.usual} unless the limit says otherwise.`,
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
  scope: "rooms:read",
  about: "As the list has it, for anyone who may enter it.",
  params: ROOM_PARAMS,
  cost: { budget: "lists" },
  answers: { 200: ROOM },
  refusals: ["forbidden", "not_found"],
} as const;

const PREFER = {
  summary: "Change one's own settings of a room",
  about:
    "They concern the caller alone. What is absent stays as it is. Hiding a room unpins it, and pinning shows it again. A hidden room is back in the list by activity once there is a newer message.",
  params: ROOM_PARAMS,
  json: v.pipe(
    v.partial(v.strictObject(PREFERENCES)),
    v.check(({ hidden, pinned }) => !(hidden && pinned), "hidden and pinned exclude each other"),
  ),
  cost: { budget: "marks" },
  answers: { 204: null },
  refusals: ["forbidden", "not_found"],
} as const;

/** Lists of rooms: last message, last activity, people online, unread. */
export function roomRoutes({ auth, chat }: { readonly auth: Auth; readonly chat: Chat }) {
  const shown = ({ people, ...rest }: ListedRoom) => ({
    ...rest,
    ...(people && { people: [...people] }),
    lastActivity: rest.last?.timestamp ?? null,
    unreadMore: rest.unread >= UNREAD_MAX,
  });

  return new Hono<Env>({ strict: false })
    .get("/rooms", bearer(auth), operation(LIST), untilTaken(), async (c) => {
      const query = c.req.valid("query");
      const { rooms, next } = await pageOf(chat, c.get("identity"), query);
      if (next !== undefined) {
        const { after: _, before: __, limit = LIMIT.usual, ...same } = query;
        const parameters = new URLSearchParams(definedIn(same));
        parameters.set(query.order === "activity" ? "before" : "after", next);
        parameters.set("limit", String(limit));
        c.header("link", `</rooms/?${parameters}>; rel="next"`);
      }
      c.header("cache-control", "private, no-cache");
      return c.json(rooms.map(shown), 200);
    })
    .get("/rooms/:room", actorBearer(auth), operation(ONE), async (c) => {
      const pass = await chat.enter(c.get("identity"), roomParam(c));
      c.header("cache-control", "private, no-cache");
      return c.json(shown(await chat.room(pass)), 200);
    })
    .put("/rooms/:room/members/me", bearer(auth), operation(PREFER), async (c) => {
      const pass = await chat.enter(c.get("identity"), roomParam(c));
      await chat.prefer(pass, c.req.valid("json"));
      return c.body(null, 204);
    });
}

/** @throws {Refusal} invalid if the query mixes both orders, and those of the chat. */
function pageOf(
  chat: Chat,
  person: Identity,
  { order, all, like, after, before, hidden, limit = LIMIT.usual }: v.InferOutput<typeof QUERY>,
): Promise<RoomPage> {
  if (order === "activity") {
    refuse({ all, like, after }, "cannot be combined with order=activity");
    return chat.recent(person, { before, hidden: hidden !== undefined, limit });
  }
  refuse({ before, hidden }, "needs order=activity");
  const scope = all === undefined && like === undefined ? "mine" : "all";
  return chat.rooms(person, { scope, like, after: after ?? "", limit });
}

const definedIn = (parameters: Readonly<Record<string, string | undefined>>) =>
  Object.fromEntries(
    Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );

/** @throws {Refusal} invalid if one of these parameters was given. */
function refuse(parameters: Readonly<Record<string, unknown>>, fault: string): void {
  const given = Object.keys(parameters).filter((name) => parameters[name] !== undefined);
  if (given.length > 0)
    throw new Refusal("invalid", { errors: Object.fromEntries(given.map((name) => [name, [fault]])) });
}
