import { type Context, Hono } from "hono";
import * as v from "valibot";
import type { Chat } from "../chat/chat.ts";
import type { SecurityLog } from "../security.ts";
import { RULED } from "./answers.ts";
import { operation } from "./operation.ts";
import { ORDER, orderOf } from "./orders.ts";
import { type Env, originOf } from "./request.ts";
import { MESSAGE_PARAMS, messageParams } from "./room.ts";
import { createRuling, KEY } from "./ruling.ts";

const QUERY = v.object({ ...ORDER.entries, ...KEY });
const ON_PIN = {
  params: MESSAGE_PARAMS,
  query: QUERY,
  answers: { 200: RULED },
  refusals: ["not_found", "archived", "notice_fixed", "client_id_reused"],
} as const;

interface AdminPinRoutes {
  readonly chat: Pick<Chat, "ordain" | "submit" | "people">;
  readonly security: Pick<SecurityLog, "record">;
}

/** Routes under `/admin/rooms` with which a backend pins messages, also in open rooms. */
export function adminPinRoutes({ chat, security }: AdminPinRoutes) {
  const { answer } = createRuling(chat);

  const pin = async (c: Context<Env>, on: boolean, query: v.InferOutput<typeof QUERY>) => {
    const { room, id: message } = messageParams(c);
    const { clientId = crypto.randomUUID() } = query;
    const ack = await chat.ordain(room, { kind: "pin", clientId, message, on }, orderOf(c, query));
    security.record("room.change", { room, actor: c.var.key.name, origin: originOf(c) });
    return answer(c, room, clientId, ack);
  };

  return new Hono<Env>({ strict: false })
    .put(
      "/rooms/:room/pins/:id",
      operation({
        summary: "Pin a message as the service",
        scope: "rooms:moderate",
        about: "Everyone in the room gets a notice. Pinning one that is pinned changes nothing.",
        ...ON_PIN,
        refusals: [...ON_PIN.refusals, "too_many_pins"],
      }),
      (c) => pin(c, true, c.req.valid("query")),
    )
    .delete(
      "/rooms/:room/pins/:id",
      operation({
        summary: "Unpin a message as the service",
        scope: "rooms:moderate",
        about: "Everyone in the room gets a notice. Unpinning one that is not pinned changes nothing.",
        ...ON_PIN,
      }),
      (c) => pin(c, false, c.req.valid("query")),
    );
}
