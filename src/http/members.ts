import { Hono } from "hono";
import * as v from "valibot";
import type { Auth } from "../auth/auth.ts";
import type { Ack, Chat } from "../chat/chat.ts";
import { invalid } from "../errors.ts";
import { USERS_MAX } from "../protocol/membership.ts";
import { personName, role, roomSettings } from "../protocol/people.ts";
import { MEMBER, RULED } from "./answers.ts";
import { banRoutes } from "./bans.ts";
import { bearer, actorBearer } from "./bearer.ts";
import { linkNext, listing } from "./listing.ts";
import { operation } from "./operation.ts";
import type { Env } from "./request.ts";
import { ROOM_PARAMS, roomParam } from "./room.ts";
import {
  COST,
  createRuling,
  KEY,
  LIMIT,
  LISTING,
  ON_MEMBER,
  QUERY,
  RANGE,
  REFUSALS,
  versionOf,
} from "./ruling.ts";

const SENDS = { "If-Match": "The version of the membership. If it has another one by now: 412 outdated." };
const PEOPLE = v.pipe(
  v.array(personName, "must be a list"),
  v.maxLength(USERS_MAX, `must name at most ${USERS_MAX} people`),
);
const { title, topic, history } = roomSettings;
const CREATE = v.strictObject({ title, topic, history, people: v.optional(PEOPLE, []), ...KEY });
const DIRECT = v.strictObject({ people: PEOPLE });
const PATCH = v.strictObject({ ...roomSettings, ...KEY });
const PUT_MEMBER = v.strictObject({ role: v.optional(role), ...KEY });
const LEAVE = v.object({ ...KEY, heir: v.optional(personName) });
export const MEMBER_LIST = v.object({
  ...RANGE.entries,
  q: v.optional(v.pipe(v.string(), v.maxLength(64, "must have at most 64 characters"))),
});

/** Who is in rooms and what they may do there, for people. The commands `member` and `room` do the same on a socket. */
export function memberRoutes(parts: { readonly auth: Auth; readonly chat: Chat }) {
  const { auth, chat } = parts;
  const known = bearer(auth);
  const either = actorBearer(auth);
  const { answer, submit, set, personOf } = createRuling(chat);

  return new Hono<Env>({ strict: false })
    .post(
      "/rooms",
      known,
      operation({
        summary: "Create a private room",
        about: "The server names it. The caller is its owner. 200 if this clientId created it before.",
        json: CREATE,
        example: { title: "Order 7", people: ["@ben"], clientId: "0b7e6f6c-6a0f-4c57-8a2e-3f1a4f6a9d10" },
        cost: { budget: "rooms" },
        answers: { 201: RULED, 200: RULED },
        refusals: REFUSALS,
      }),
      async (c) => {
        const { clientId: key = crypto.randomUUID(), people, ...settings } = c.req.valid("json");
        const person = c.get("identity");
        const others = await chat.people.known("people", people, person);
        const { room, ack } = await chat.founding.create(person, {
          clientId: key,
          settings,
          people: [...new Set(others)].filter((userId) => userId !== person.userId),
        });
        const { status, body } = founded(room, key, ack);
        return c.json(body, status);
      },
    )
    .put(
      "/direct",
      known,
      operation({
        summary: "Open the direct conversation of the caller and others",
        about: "The same people always get the same room: 201 if it is new.",
        json: DIRECT,
        example: { people: ["@ben"] },
        cost: { budget: "joins" },
        answers: { 201: v.object({ room: v.string() }), 200: v.object({ room: v.string() }) },
        refusals: ["forbidden", "not_found"],
      }),
      async (c) => {
        const person = c.get("identity");
        const people = await chat.people.known("people", c.req.valid("json").people, person);
        const { room, created } = await chat.founding.direct(person, people);
        return c.json({ room }, created ? 201 : 200);
      },
    )
    .patch(
      "/rooms/:room",
      either,
      operation({
        summary: "Change a room",
        scope: "rooms:manage",
        about: "What is absent stays as it is.",
        params: ROOM_PARAMS,
        json: PATCH,
        cost: COST,
        answers: { 200: RULED },
        refusals: REFUSALS,
      }),
      (c) => {
        const { clientId: key = crypto.randomUUID(), ...settings } = c.req.valid("json");
        if (Object.keys(settings).length === 0) throw invalid({ "": ["must change something"] });
        return submit(c, { kind: "room", clientId: key, set: settings });
      },
    )
    .get(
      "/rooms/:room/members",
      either,
      operation({
        summary: "List the members of a room",
        scope: "rooms:read",
        about: "A page at a time. With q, those whose names match it.",
        params: ROOM_PARAMS,
        query: MEMBER_LIST,
        cost: LISTING,
        answers: { 200: v.array(MEMBER) },
        headers: listing.headers,
        refusals: ["forbidden", "not_found"],
      }),
      async (c) => {
        const { after = 0, limit = LIMIT.usual, q } = c.req.valid("query");
        const room = roomParam(c);
        const pass = await chat.enter(c.get("identity"), room, "members");
        const { members, next } = await chat.members(pass, { after, limit, q });
        linkNext(c, `/rooms/${encodeURIComponent(room)}/members/`, next, { q, limit: `${limit}` });
        c.header("cache-control", "private, no-cache");
        return c.json(
          members.map(({ userId: _, ...shown }) => shown),
          200,
        );
      },
    )
    .put(
      "/rooms/:room/members/:user",
      either,
      operation({
        summary: "Add someone to a room, or change their role",
        scope: "rooms:manage",
        about: "The change is exact: it has a version of the room, and everyone there gets a notice.",
        sends: SENDS,
        ...ON_MEMBER,
        json: PUT_MEMBER,
        example: { role: "moderator" },
        bodyless: true,
        refusals: [...REFUSALS, "last_owner", "outdated"],
      }),
      async (c) => {
        const { clientId: key = crypto.randomUUID(), role } = c.req.valid("json");
        const room = roomParam(c);
        const userId = await personOf(c);
        const ifVersion = versionOf(c);
        const appointing = { userId, clientId: key, role, ifVersion };
        const ack = await chat.appoint(c.get("identity"), room, appointing, c.var.address);
        return answer(c, room, key, ack);
      },
    )
    .delete(
      "/rooms/:room/members/me",
      known,
      operation({
        summary: "Leave a room for good",
        about:
          "Ends the membership: the room leaves the caller's list, and their sockets leave the room. Joining or posting in an open room again makes them a member again. The last owner of a private room names an heir.",
        params: ROOM_PARAMS,
        query: LEAVE,
        cost: { budget: "joins" },
        answers: { 204: null },
        refusals: [...REFUSALS, "last_owner"],
      }),
      async (c) => {
        const { clientId: key, heir } = c.req.valid("query");
        const person = c.get("identity");
        const [heirId] = await chat.people.known("heir", heir === undefined ? [] : [heir], person);
        await chat.leave(person, roomParam(c), { clientId: key, heir: heirId });
        return c.body(null, 204);
      },
    )
    .delete(
      "/rooms/:room/members/:user",
      either,
      operation({
        summary: "Remove someone from a room",
        scope: "rooms:manage",
        about: "The change is exact: it has a version of the room, and everyone there gets a notice.",
        sends: SENDS,
        ...ON_MEMBER,
        query: QUERY,
        refusals: [...REFUSALS, "last_owner", "outdated"],
      }),
      (c) => set(c, "out", c.req.valid("query")),
    )
    .route("/", banRoutes(parts));
}

/** The answer to the creation of a room. */
export const founded = (room: string, key: string, { id, version, duplicate }: Ack) => ({
  status: duplicate ? (200 as const) : (201 as const),
  body: { id, version, room, clientId: key, ...(duplicate && { duplicate }) },
});
