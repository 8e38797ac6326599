import { Hono } from "hono";
import * as v from "valibot";
import { type Chat, draftOf } from "../chat/chat.ts";
import { type Made, readOrigins } from "../db/origins.ts";
import type { Pool } from "../db/database.ts";
import { content, draft, timestamp } from "../protocol/frames.ts";
import { shown } from "./adminrooms.ts";
import { POSTED } from "./answers.ts";
import { operation } from "./operation.ts";
import type { Env } from "./request.ts";
import { MESSAGE_PARAMS, messageParams, ROOM_PARAMS, roomParam } from "./room.ts";
import { KEY } from "./ruling.ts";

/** Only people upload files. */
const { files: _, ...text } = draft;
const POST = v.strictObject({ ...text, content, ...KEY });

const ORIGIN = v.object({
  change: v.pipe(v.string(), v.description("post, edit, delete, react, member, room or pin.")),
  version: v.pipe(v.pipe(v.number(), v.integer()), v.description("The room's version that it took.")),
  at: timestamp,
  key: v.pipe(v.string(), v.description("The name of the key.")),
}) satisfies v.GenericSchema<Made>;

/** Routes under `/admin/rooms` with which a backend posts in the name of the server, and that tell which key did. */
export const adminPostRoutes = ({
  chat,
  pool,
}: {
  readonly chat: Pick<Chat, "submit">;
  readonly pool: Pool;
}) =>
  new Hono<Env>({ strict: false })
    .post(
      "/rooms/:room/messages",
      operation({
        summary: "Post a message as the service",
        scope: "rooms:post",
        about: "201 once it is committed; 200 if this clientId was committed before.",
        params: ROOM_PARAMS,
        json: POST,
        example: { content: "Your order is on its way.", data: { order: "7", status: "shipped" } },
        answers: { 201: POSTED, 200: POSTED },
        refusals: ["not_found", "archived", "client_id_reused", "message_refused", "message_unchecked"],
      }),
      async (c) => {
        const { clientId: key = crypto.randomUUID(), ...post } = c.req.valid("json");
        const name = roomParam(c);
        const ack = await chat.submit(
          c.get("identity"),
          name,
          draftOf({ clientId: key, ...post }),
          c.var.address,
        );
        return c.json({ ...shown(name, key, ack), timestamp: ack.timestamp }, ack.duplicate ? 200 : 201);
      },
    )
    .get(
      "/rooms/:room/messages/:id/origin",
      operation({
        summary: "Find out which keys made or changed a message",
        about:
          "In the name of the server or of a person, oldest first. What people did themselves is not in the list.",
        scope: "rooms:moderate",
        params: MESSAGE_PARAMS,
        answers: { 200: v.array(ORIGIN) },
      }),
      async (c) => {
        const { room, id } = messageParams(c);
        return c.json(await readOrigins(pool, room, id), 200);
      },
    );
