import { type Context, Hono } from "hono";
import * as v from "valibot";
import type { Auth } from "../auth/auth.ts";
import { afford } from "../budgets.ts";
import type { Chat } from "../chat/chat.ts";
import { Refusal } from "../errors.ts";
import { clientId } from "../protocol/frames.ts";
import { text } from "../protocol/text.ts";
import { INVITATION, INVITED, REDEEMED } from "./answers.ts";
import { bearer } from "./bearer.ts";
import { ID, idParam, linkNext, LIST, listing, PAGE } from "./listing.ts";
import { operation } from "./operation.ts";
import { moderatorOf } from "./orders.ts";
import type { Env } from "./request.ts";
import { ROOM_PARAMS, roomParam } from "./room.ts";

const LINK_MS = { least: 60_000, most: 30 * 24 * 3600_000 } as const;
const USES_MAX = 10_000;
/** The longest token that is looked up. Ours are shorter. */
const TOKEN_MAX = 128;

const INVITE = v.object({
  expiresIn: v.pipe(
    v.number(),
    v.integer(),
    v.minValue(LINK_MS.least / 1000),
    v.maxValue(LINK_MS.most / 1000),
    v.description("How long the link works, in seconds."),
  ),
  maxUses: v.pipe(
    v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(USES_MAX))),
    v.description("How many people may use it. Without it, any number."),
  ),
  clientId: v.optional(clientId),
});
const REDEEM = v.object({ token: text({ min: 1, max: TOKEN_MAX }), clientId: v.optional(clientId) });

const IN_ROOM = ["forbidden", "not_found"] as const;

/** Links with which people add themselves to rooms. */
export function invitationRoutes({ auth, chat }: { readonly auth: Auth; readonly chat: Chat }) {
  const known = bearer(auth);
  const { moderation } = chat;
  const enter = async (c: Context<Env>) => {
    c.header("cache-control", "private, no-cache");
    return chat.enter(c.get("identity"), roomParam(c), "add");
  };

  return new Hono<Env>({ strict: false })
    .post(
      "/rooms/:room/invitations",
      known,
      operation({
        summary: "Create a link with which people add themselves to a room",
        about:
          "For those who may add people to it. The token is shown only once. A repeat with the same clientId gets a new token for the same link, and the token before no longer works.",
        params: ROOM_PARAMS,
        json: INVITE,
        cost: { budget: "invitations" },
        answers: { 201: INVITED },
        refusals: [...IN_ROOM, "too_many_invitations"],
      }),
      async (c) => {
        const { expiresIn, maxUses = null, clientId = crypto.randomUUID() } = c.req.valid("json");
        const pass = await enter(c);
        c.header("cache-control", "no-store");
        return c.json(await moderation.invite(pass, { clientId, ttlMs: expiresIn * 1000, maxUses }), 201);
      },
    )
    .get(
      "/rooms/:room/invitations",
      known,
      operation({
        summary: "List the links to a room that work",
        about:
          "Without their tokens, newest first: all for moderators, their own for others who may add people.",
        params: ROOM_PARAMS,
        query: LIST,
        answers: { 200: v.array(INVITATION) },
        refusals: IN_ROOM,
        ...listing,
      }),
      async (c) => {
        const { after, limit = PAGE.usual } = c.req.valid("query");
        const pass = await enter(c);
        const { entries, more } = await moderation.invitations(pass, { after, limit });
        const path = `/rooms/${encodeURIComponent(pass.room)}/invitations/`;
        linkNext(c, path, more ? entries.at(-1)?.id : undefined, { limit: String(limit) });
        return c.json(entries, 200);
      },
    )
    .delete(
      "/rooms/:room/invitations/:id",
      known,
      operation({
        summary: "Revoke a link",
        about: "Moderators may revoke any link to the room, and others their own.",
        params: { ...ROOM_PARAMS, id: ID },
        answers: { 204: null },
        refusals: IN_ROOM,
      }),
      async (c) => {
        const pass = await enter(c);
        await moderation.revoke(pass, idParam(c), moderatorOf(c));
        return c.body(null, 204);
      },
    )
    .post(
      "/invitations",
      known,
      operation({
        summary: "Use a link: join its room",
        about:
          "A POST, because programs that preview links open them. Every token that does not work is not_found, whatever the cause. Members who use it again are members still, and it costs no use.",
        json: REDEEM,
        cost: { budget: "invitations" },
        answers: { 200: REDEEMED },
        refusals: ["not_found", "forbidden", "client_id_reused"],
      }),
      async (c) => {
        const { token, clientId = crypto.randomUUID() } = c.req.valid("json");
        const budgets = c.get("budgets");
        const network = c.get("network");
        const wait = budgets.wait("guesses", network);
        if (wait > 0) budgets.refused("guesses");
        afford(wait);
        c.header("cache-control", "no-store");
        try {
          const { room, ack } = await moderation.redeem(c.get("identity"), token, clientId);
          const { id, version, duplicate } = ack;
          return c.json({ room, id, version, ...(duplicate && { duplicate }) }, 200);
        } catch (error) {
          if (error instanceof Refusal && error.code === "not_found") budgets.charge("guesses", network, 1);
          throw error;
        }
      },
    );
}
