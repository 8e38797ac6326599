import type { Context } from "hono";
import * as v from "valibot";
import { actorOf, type Order } from "../order.ts";
import { text } from "../protocol/text.ts";
import type { Env } from "./request.ts";

/** Every order may give a reason, for the audit. */
export const ORDER = v.object({ reason: v.optional(text({ max: 500 }), "") });

/** The order that a request with an operator's token gives. */
export const orderOf = (c: Context<Env>, { reason }: v.InferOutput<typeof ORDER>): Order => ({
  via: "http",
  actor: c.var.key.name,
  address: c.var.address,
  reason,
});

/** What a person does in a room as its moderator, for the audit. */
export const moderatorOf = (c: Context<Env>): Order => ({
  via: "http",
  actor: actorOf(c.get("identity")),
  address: c.var.address,
  reason: "",
});
