import { Hono } from "hono";
import * as v from "valibot";
import type { Auth } from "../auth/auth.ts";
import type { Chat } from "../chat/chat.ts";
import { until } from "../protocol/people.ts";
import { BAN } from "./answers.ts";
import { actorBearer } from "./bearer.ts";
import { linkNext, listing } from "./listing.ts";
import { operation } from "./operation.ts";
import type { Env } from "./request.ts";
import { ROOM_PARAMS, roomParam } from "./room.ts";
import { createRuling, KEY, LIMIT, LISTING, ON_MEMBER, QUERY, RANGE, REFUSALS } from "./ruling.ts";

const PUT_MUTE = v.strictObject({ until: v.optional(until), ...KEY });

/** Bans and mutes, for those who moderate a room. */
export function banRoutes({ auth, chat }: { readonly auth: Auth; readonly chat: Chat }) {
  const known = actorBearer(auth);
  const { set } = createRuling(chat);

  return new Hono<Env>({ strict: false })
    .get(
      "/rooms/:room/bans",
      known,
      operation({
        summary: "List the people who are banned from a room",
        scope: "rooms:moderate",
        about: "For those who may ban people there.",
        params: ROOM_PARAMS,
        query: RANGE,
        cost: LISTING,
        answers: { 200: v.array(BAN) },
        headers: listing.headers,
        refusals: ["forbidden", "not_found", "direct_room"],
      }),
      async (c) => {
        const { after = 0, limit = LIMIT.usual } = c.req.valid("query");
        const pass = await chat.enter(c.get("identity"), roomParam(c), "ban");
        const { bans, next } = await chat.bans(pass, { after, limit });
        linkNext(c, `/rooms/${encodeURIComponent(pass.room)}/bans/`, next, { limit: `${limit}` });
        c.header("cache-control", "private, no-cache");
        return c.json(bans, 200);
      },
    )
    .put(
      "/rooms/:room/bans/:user",
      known,
      operation({
        summary: "Ban someone from a room",
        scope: "rooms:moderate",
        about: "Ends their membership, and nobody can add them again until the ban is lifted.",
        ...ON_MEMBER,
        query: QUERY,
        refusals: REFUSALS,
      }),
      (c) => set(c, "banned", c.req.valid("query")),
    )
    .delete(
      "/rooms/:room/bans/:user",
      known,
      operation({
        summary: "Lift a ban from a room",
        scope: "rooms:moderate",
        about: "They are not a member by that, but can be again.",
        ...ON_MEMBER,
        query: QUERY,
        refusals: REFUSALS,
      }),
      (c) => set(c, "unbanned", c.req.valid("query")),
    )
    .put(
      "/rooms/:room/mutes/:user",
      known,
      operation({
        summary: "Keep someone from posting in a room",
        scope: "rooms:moderate",
        about: "Until the time given, or until someone ends it.",
        ...ON_MEMBER,
        json: PUT_MUTE,
        bodyless: true,
        refusals: REFUSALS,
      }),
      (c) => set(c, "muted", c.req.valid("json")),
    )
    .delete(
      "/rooms/:room/mutes/:user",
      known,
      operation({
        summary: "Let someone post again",
        scope: "rooms:moderate",
        about: "Ends a mute before its time.",
        ...ON_MEMBER,
        query: QUERY,
        refusals: REFUSALS,
      }),
      (c) => set(c, "unmuted", c.req.valid("query")),
    );
}
