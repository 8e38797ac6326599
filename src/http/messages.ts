import { type Context, Hono } from "hono";
import * as v from "valibot";
import type { Auth } from "../auth/auth.ts";
import { type Ack, type Chat, draftOf, type Submission } from "../chat/chat.ts";
import { clientId, draft, revision } from "../protocol/frames.ts";
import { CHANGED, POSTED } from "./answers.ts";
import { actorBearer } from "./bearer.ts";
import { operation } from "./operation.ts";
import type { Env } from "./request.ts";
import {
  MESSAGE_PARAMS,
  messageParams,
  REACTION_PARAMS,
  reactionParams,
  ROOM_PARAMS,
  roomParam,
} from "./room.ts";

const POST = v.strictObject({ ...draft, clientId: v.optional(clientId) });
const EDIT = v.strictObject({ ...revision, clientId: v.optional(clientId) });
/** A request without a body has its client id in the query. */
const QUERY = v.object({ clientId: v.optional(clientId) });

const REFUSALS = ["forbidden", "not_found", "muted", "archived", "client_id_reused"] as const;
const SAID = [...REFUSALS, "everyone_denied", "message_refused", "message_unchecked"] as const;
const COST = { budget: "messages" } as const;
const ON_MESSAGE = { params: MESSAGE_PARAMS, cost: COST, answers: { 200: CHANGED } } as const;

/**
 * Changes to a room without a socket, for backends and bots. Each responds after the commit; a post with 201, or 200 for
 * a repeat. The client id identifies a change, however often it is sent.
 */
export function messageRoutes({ auth, chat }: { auth: Auth; chat: Chat }) {
  const known = actorBearer(auth);

  const change = async (c: Context<Env>, room: string, submission: Submission): Promise<Ack> => {
    const ack = await chat.submit(c.get("identity"), room, submission, c.var.address);
    c.header("cache-control", "no-store");
    return ack;
  };

  const result = (
    room: string,
    { clientId }: Submission,
    { id, version, duplicate, unreached, content }: Ack,
  ) => ({
    id,
    version,
    room,
    clientId,
    ...(duplicate && { duplicate }),
    ...(unreached && { unreached: [...unreached] }),
    ...(content !== undefined && { content }),
  });

  const amend = async (c: Context<Env>, room: string, submission: Submission) =>
    c.json(result(room, submission, await change(c, room, submission)), 200);

  const react = (c: Context<Env>, how: { clientId: string; on: boolean }) => {
    const { room, ...target } = reactionParams(c);
    return amend(c, room, { kind: "react", ...target, ...how });
  };

  return new Hono<Env>({ strict: false })
    .post(
      "/rooms/:room/messages",
      known,
      operation({
        summary: "Post a message",
        scope: "rooms:post",
        about: "201 once it is committed; 200 if this clientId was committed before.",
        params: ROOM_PARAMS,
        cost: COST,
        json: POST,
        example: { content: "Good morning", clientId: "5ef0a1de-0d63-4b9a-9d2c-2f0f7e0f9d57" },
        answers: { 201: POSTED, 200: POSTED },
        refusals: [...SAID, "file_missing", "file_held", "file_rejected"],
      }),
      async (c) => {
        const { clientId = crypto.randomUUID(), ...post } = c.req.valid("json");
        const room = roomParam(c);
        const draft = draftOf({ clientId, ...post });
        const ack = await change(c, room, draft);
        return c.json({ ...result(room, draft, ack), timestamp: ack.timestamp }, ack.duplicate ? 200 : 201);
      },
    )
    .patch(
      "/rooms/:room/messages/:id",
      known,
      operation({
        summary: "Change the text of one's own message",
        scope: "rooms:post",
        about: "Everyone gets the new text. A server may limit the time for edits (too_late).",
        ...ON_MESSAGE,
        json: EDIT,
        example: { content: "Good morning, all" },
        refusals: [...SAID, "too_late", "notice_fixed"],
      }),
      (c) => {
        const { clientId = crypto.randomUUID(), ...edit } = c.req.valid("json");
        const { room, id } = messageParams(c);
        return amend(c, room, { kind: "edit", id, clientId, ...edit });
      },
    )
    .delete(
      "/rooms/:room/messages/:id",
      known,
      operation({
        summary: "Delete one's own message",
        scope: "rooms:post",
        about:
          "Its text and reactions are gone for everyone, and a message without text remains in its place. Moderators of a room may delete the messages of others too.",
        ...ON_MESSAGE,
        query: QUERY,
        refusals: [...REFUSALS, "notice_fixed"],
      }),
      (c) => {
        const { room, id } = messageParams(c);
        const own = c.get("key")?.allows("rooms:moderate", room) === false;
        return amend(c, room, { kind: "delete", id, own, ...clientIdOf(c.req.valid("query")) });
      },
    )
    .put(
      "/rooms/:room/messages/:id/reactions/:emoji",
      known,
      reaction(
        "Add a reaction",
        "A reaction is one emoji, percent-encoded. Adding the same one again changes nothing.",
      ),
      (c) => react(c, { ...clientIdOf(c.req.valid("query")), on: true }),
    )
    .delete(
      "/rooms/:room/messages/:id/reactions/:emoji",
      known,
      reaction("Take a reaction back", "Taking back one that is not there changes nothing."),
      (c) => react(c, { ...clientIdOf(c.req.valid("query")), on: false }),
    );
}

const reaction = (summary: string, about: string) =>
  operation({
    summary,
    about,
    scope: "rooms:post",
    params: REACTION_PARAMS,
    cost: COST,
    query: QUERY,
    answers: { 200: CHANGED },
    refusals: [...REFUSALS, "too_many_reactions", "notice_fixed"],
  });

const clientIdOf = ({ clientId = crypto.randomUUID() }: v.InferOutput<typeof QUERY>) => ({ clientId });
