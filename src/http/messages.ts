import { Hono } from "hono";
import * as v from "valibot";
import type { Auth } from "../auth/auth.ts";
import type { Chat } from "../chat/chat.ts";
import type { Ack } from "../chat/post.ts";
import { submit } from "../chat/submit.ts";
import { Refusal } from "../errors.ts";
import { content, messageId, uuid } from "../protocol/frames.ts";
import { bearer, type Env, readJson } from "./request.ts";
import { roomParam } from "./room.ts";

const MESSAGE = v.object({
  content,
  clientId: v.optional(uuid),
  replyTo: v.optional(v.nullable(messageId), null),
});

/** Posting without a socket: what backends and bots use. Answers after the commit: 201, or 200 for a repeat. */
export const messageRoutes = ({ auth, chat }: { auth: Auth; chat: Chat }): Hono<Env> =>
  new Hono<Env>({ strict: false }).post("/rooms/:room/messages", bearer(auth), async (c) => {
    const room = roomParam(c);
    const { clientId = crypto.randomUUID(), ...message } = await readJson(c, MESSAGE);
    const outcome = await new Promise<Ack | Refusal>((resolve) =>
      submit(chat, c.get("identity"), { room, clientId, ...message }, resolve),
    );
    if (outcome instanceof Refusal) throw outcome;
    const { id, version, timestamp, duplicate } = outcome;
    c.header("cache-control", "no-store");
    return c.json(
      { id, version, room, clientId, timestamp, ...(duplicate && { duplicate }) },
      duplicate ? 200 : 201,
    );
  });
