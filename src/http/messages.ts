import { type Context, Hono } from "hono";
import * as v from "valibot";
import type { Auth } from "../auth/auth.ts";
import type { Chat } from "../chat/chat.ts";
import type { Ack } from "../chat/change.ts";
import { type Submission, submit } from "../chat/submit.ts";
import { Refusal } from "../errors.ts";
import { emoji } from "../protocol/emoji.ts";
import { content, messageId, uuid } from "../protocol/frames.ts";
import { bearer, type Env, readInput, readJson, readQuery } from "./request.ts";
import { messageParams, roomParam } from "./room.ts";

const MESSAGE = v.object({
  content,
  clientId: v.optional(uuid),
  replyTo: v.optional(v.nullable(messageId), null),
});
const EDIT = v.object({ content, clientId: v.optional(uuid) });
/** Where a request has no body, the client id comes in the query. */
const QUERY = v.object({ clientId: v.optional(uuid) });

/**
 * Changing a room without a socket: what backends and bots use. Each answers after the commit; a post 201, or 200 for
 * a repeat. The client id makes a request one change, however often it is sent.
 */
export function messageRoutes({ auth, chat }: { auth: Auth; chat: Chat }): Hono<Env> {
  const message = "/rooms/:room/messages/:id";
  const reaction = `${message}/reactions/:emoji`;

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

  const react = (on: boolean) => async (c: Context<Env>) => {
    const submission = {
      kind: "react",
      ...messageParams(c),
      ...clientIdOf(c),
      ...readInput(v.object({ emoji }), { emoji: c.req.param("emoji") }),
      on,
    } as const;
    return c.json(answer(submission, await change(c, submission)));
  };

  return new Hono<Env>({ strict: false })
    .use("/rooms/:room/messages/*", bearer(auth))
    .post("/rooms/:room/messages", bearer(auth), async (c) => {
      const { clientId = crypto.randomUUID(), ...post } = await readJson(c, MESSAGE);
      const submission = { kind: "post", room: roomParam(c), clientId, ...post } as const;
      const ack = await change(c, submission);
      return c.json({ ...answer(submission, ack), timestamp: ack.timestamp }, ack.duplicate ? 200 : 201);
    })
    .patch(message, async (c) => {
      const { clientId = crypto.randomUUID(), content: text } = await readJson(c, EDIT);
      const submission = { kind: "edit", ...messageParams(c), clientId, content: text } as const;
      return c.json(answer(submission, await change(c, submission)));
    })
    .delete(message, async (c) => {
      const submission = { kind: "delete", ...messageParams(c), ...clientIdOf(c) } as const;
      return c.json(answer(submission, await change(c, submission)));
    })
    .put(reaction, react(true))
    .delete(reaction, react(false));
}

const clientIdOf = (c: Context<Env>) => {
  const { clientId = crypto.randomUUID() } = readQuery(c, QUERY);
  return { clientId };
};
