import type { Context } from "hono";
import * as v from "valibot";
import type { Ack, Chat, Wish } from "../chat/chat.ts";
import { Refusal } from "../errors.ts";
import { clientId } from "../protocol/frames.ts";
import { RULED } from "./answers.ts";
import { decimal, type Env } from "./request.ts";
import { ROOM_PARAMS, roomParam } from "./room.ts";

// What the routes that change rooms and members have in common.

export const KEY = { clientId: v.optional(clientId) };
/** A request without a body has its client id in the query. */
export const QUERY = v.object(KEY);

export const PERSON = v.pipe(
  v.string(),
  v.description("The person's id, percent-encoded; or @ and their username; or `me`."),
);
export const REFUSALS = ["forbidden", "not_found", "client_id_reused", "direct_room"] as const;
/** A change that changes nothing costs the same. */
export const COST = { budget: "messages" } as const;
export const ON_MEMBER = {
  params: { ...ROOM_PARAMS, user: PERSON },
  cost: COST,
  answers: { 200: RULED },
} as const;

/** A page of people in the order in which they came to the server. */
export const LIMIT = { usual: 50, most: 200 } as const;
export const RANGE = v.object({
  after: v.optional(decimal(0, Number.MAX_SAFE_INTEGER)),
  limit: v.optional(decimal(1, LIMIT.most)),
});
export const LISTING = {
  budget: "lists",
  units: ({ limit = LIMIT.usual }: v.InferOutput<typeof RANGE>) => Math.ceil(limit / LIMIT.usual),
} as const;

export function createRuling(chat: Pick<Chat, "submit" | "people">) {
  const answer = (c: Context<Env>, room: string, key: string, { id, version, duplicate }: Ack) => {
    c.header("cache-control", "no-store");
    return c.json({ id, version, room, clientId: key, ...(duplicate && { duplicate }) }, 200);
  };
  const submit = async (c: Context<Env>, wish: Wish) => {
    const room = roomParam(c);
    return answer(c, room, wish.clientId, await chat.submit(c.get("identity"), room, wish, c.var.address));
  };
  const personOf = (c: Context<Env>) => chat.people.get(c.req.param("user") ?? "", c.get("identity"));

  return {
    answer,
    submit,
    personOf,
    /** Changes what the person in the path is in the room. */
    async set(
      c: Context<Env>,
      what: "out" | "banned" | "unbanned" | "muted" | "unmuted",
      {
        clientId: key = crypto.randomUUID(),
        ...more
      }: { clientId?: string | undefined; until?: string | undefined },
    ) {
      const users = [await personOf(c)];
      return submit(c, { kind: "member", clientId: key, set: what, users, ifVersion: versionOf(c), ...more });
    },
  };
}

/** Returns the version of a membership that a request depends on. @throws {Refusal} invalid. */
export function versionOf(c: Context<Env>): number | undefined {
  const wanted = c.req.header("if-match");
  if (wanted === undefined) return undefined;
  const version = /^"?(\d{1,16})"?$/.exec(wanted)?.[1];
  if (version === undefined)
    throw new Refusal("invalid", { detail: "If-Match must be the version of a membership." });
  return Number(version);
}
