import { type Context, Hono } from "hono";
import * as v from "valibot";
import type { Auth } from "../auth/auth.ts";
import { type Chat, type Pin, shownAny } from "../chat/chat.ts";
import { ID_MAX } from "../protocol/limits.ts";
import { messageId, timestamp } from "../protocol/frames.ts";
import { PINS_MAX } from "../protocol/membership.ts";
import { person } from "../protocol/people.ts";
import { MESSAGE, RULED } from "./answers.ts";
import { actorBearer } from "./bearer.ts";
import { listing } from "./listing.ts";
import { operation } from "./operation.ts";
import { decimal, type Env } from "./request.ts";
import { MESSAGE_PARAMS, messageParams, ROOM_PARAMS, roomParam } from "./room.ts";
import { COST, createRuling, QUERY } from "./ruling.ts";
import { untilTaken } from "./taken.ts";

const PINNED = v.object({
  ...MESSAGE.entries,
  pinned: v.object({
    at: timestamp,
    version: v.pipe(messageId, v.description("The version of the notice.")),
    by: v.object(person),
  }),
});

const LIST = v.object({
  before: v.pipe(
    v.optional(decimal(1, ID_MAX)),
    v.description("Only what was pinned before this version: see the Link header."),
  ),
});
const ON_PIN = {
  params: MESSAGE_PARAMS,
  cost: COST,
  query: QUERY,
  answers: { 200: RULED },
  refusals: ["forbidden", "not_found", "archived", "notice_fixed", "client_id_reused"],
} as const;

/** Messages that are pinned in a room. */
export function pinRoutes({ auth, chat }: { readonly auth: Auth; readonly chat: Chat }) {
  const known = actorBearer(auth);
  const { submit } = createRuling(chat);
  const pin = (c: Context<Env>, on: boolean, clientId: string = crypto.randomUUID()) =>
    submit(c, { kind: "pin", clientId, message: messageParams(c).id, on });

  return new Hono<Env>({ strict: false })
    .get(
      "/rooms/:room/pins",
      known,
      operation({
        summary: "List the pinned messages of a room",
        scope: "rooms:read",
        about: `The latest pin first, at most ${PINS_MAX}. Long messages make several pages: follow Link.`,
        params: ROOM_PARAMS,
        query: LIST,
        answers: { 200: v.array(PINNED) },
        headers: listing.headers,
        cost: { budget: "history" },
        refusals: ["forbidden", "not_found"],
      }),
      untilTaken(),
      async (c) => {
        const room = roomParam(c);
        const pass = await chat.enter(c.get("identity"), room);
        const { pins, more } = await chat.pins(pass, c.req.valid("query").before ?? ID_MAX);
        const last = pins.at(-1);
        if (more && last)
          c.header("link", `</rooms/${encodeURIComponent(room)}/pins/?before=${last.version}>; rel="next"`);
        c.header("cache-control", "private, no-cache");
        return c.json(
          pins.map((one) => shownPin(room, one)),
          200,
        );
      },
    )
    .put(
      "/rooms/:room/pins/:id",
      known,
      operation({
        summary: "Pin a message",
        scope: "rooms:moderate",
        about: `Everyone in the room gets a notice. A room has at most ${PINS_MAX} pinned messages. Pinning one that is pinned changes nothing.`,
        ...ON_PIN,
        refusals: [...ON_PIN.refusals, "too_many_pins"],
      }),
      (c) => pin(c, true, c.req.valid("query").clientId),
    )
    .delete(
      "/rooms/:room/pins/:id",
      known,
      operation({
        summary: "Unpin a message",
        scope: "rooms:moderate",
        about: "Everyone in the room gets a notice. Unpinning one that is not pinned changes nothing.",
        ...ON_PIN,
      }),
      (c) => pin(c, false, c.req.valid("query").clientId),
    );
}

const shownPin = (room: string, { message, version, at, by }: Pin) => ({
  room,
  ...(shownAny(message) as Extract<ReturnType<typeof shownAny>, { content: string }>),
  pinned: {
    at,
    version,
    by: { id: by.user.id, username: by.username, ...(by.user.name !== undefined && { name: by.user.name }) },
  },
});
