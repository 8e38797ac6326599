import { type Context, Hono } from "hono";
import * as v from "valibot";
import type { Auth } from "../auth/auth.ts";
import type { Chat } from "../chat/chat.ts";
import type { Ack } from "../chat/room/change.ts";
import { type Submission, submit } from "../chat/access/submit.ts";
import { Refusal } from "../errors.ts";
import { clientId, content, messageId } from "../protocol/frames.ts";
import { CHANGED, POSTED } from "./answers.ts";
import { bearer } from "./bearer.ts";
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

const POST = v.object({
  content,
  clientId: v.optional(clientId),
  replyTo: v.optional(v.nullable(messageId), null),
});
const EDIT = v.object({ content, clientId: v.optional(clientId) });
/** Where a request has no body, the client id comes in the query. */
const QUERY = v.object({ clientId: v.optional(clientId) });

const REFUSALS = ["forbidden", "client_id_reused", "rate_limited"] as const;
const ON_MESSAGE = { params: MESSAGE_PARAMS, answers: { 200: CHANGED } } as const;

/**
 * Changing a room without a socket: what backends and bots use. Each answers after the commit; a post 201, or 200 for
 * a repeat. The client id makes a request one change, however often it is sent.
 */
export function messageRoutes({ auth, chat }: { auth: Auth; chat: Chat }) {
  const known = bearer(auth);

  const change = async (c: Context<Env>, submission: Submission): Promise<Ack> => {
    const outcome = await new Promise<Ack | Refusal>((resolve) =>
      submit(chat, c.get("identity"), submission, resolve),
    );
    if (outcome instanceof Refusal) throw outcome;
    c.header("cache-control", "no-store");
    return outcome;
  };

  const answer = ({ room, clientId }: Submission, { id, version, duplicate }: Ack) => ({
    id,
    version,
    room,
    clientId,
    ...(duplicate && { duplicate }),
  });

  const amend = async (c: Context<Env>, submission: Submission) =>
    c.json(answer(submission, await change(c, submission)), 200);

  return new Hono<Env>({ strict: false })
    .post(
      "/rooms/:room/messages",
      known,
      operation({
        summary: "Post a message",
        about: "201 once it is committed; 200 where this clientId had been committed before.",
        params: ROOM_PARAMS,
        json: POST,
        answers: { 201: POSTED, 200: POSTED },
        refusals: REFUSALS,
      }),
      async (c) => {
        const { clientId = crypto.randomUUID(), ...post } = c.req.valid("json");
        const submission = { kind: "post", room: roomParam(c), clientId, ...post } as const;
        const ack = await change(c, submission);
        return c.json({ ...answer(submission, ack), timestamp: ack.timestamp }, ack.duplicate ? 200 : 201);
      },
    )
    .patch(
      "/rooms/:room/messages/:id",
      known,
      operation({
        summary: "Change the text of one's own message",
        ...ON_MESSAGE,
        json: EDIT,
        refusals: [...REFUSALS, "not_found", "too_late"],
      }),
      (c) => {
        const { clientId = crypto.randomUUID(), content: text } = c.req.valid("json");
        return amend(c, { kind: "edit", ...messageParams(c), clientId, content: text });
      },
    )
    .delete(
      "/rooms/:room/messages/:id",
      known,
      operation({
        summary: "Delete one's own message",
        ...ON_MESSAGE,
        query: QUERY,
        refusals: [...REFUSALS, "not_found"],
      }),
      (c) => amend(c, { kind: "delete", ...messageParams(c), ...clientIdOf(c.req.valid("query")) }),
    )
    .put("/rooms/:room/messages/:id/reactions/:emoji", known, reaction("Give a reaction"), (c) =>
      amend(c, { kind: "react", ...reactionParams(c), ...clientIdOf(c.req.valid("query")), on: true }),
    )
    .delete("/rooms/:room/messages/:id/reactions/:emoji", known, reaction("Take a reaction back"), (c) =>
      amend(c, { kind: "react", ...reactionParams(c), ...clientIdOf(c.req.valid("query")), on: false }),
    );
}

const reaction = (summary: string) =>
  operation({
    summary,
    params: REACTION_PARAMS,
    query: QUERY,
    answers: { 200: CHANGED },
    refusals: [...REFUSALS, "not_found", "too_many_reactions"],
  });

const clientIdOf = ({ clientId = crypto.randomUUID() }: v.InferOutput<typeof QUERY>) => ({ clientId });
