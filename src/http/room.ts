import type { Context } from "hono";
import * as v from "valibot";
import { Refusal } from "../errors.ts";
import { emoji } from "../protocol/emoji.ts";
import { room } from "../protocol/frames.ts";
import { ID_MAX } from "../protocol/limits.ts";
import { decimal, readInput } from "./request.ts";

/** Path parameters of a room, of a message in it, and of a reaction to that. */
export const ROOM_PARAMS = { room };
export const MESSAGE_PARAMS = { room, id: decimal(1, ID_MAX) };
export const REACTION_PARAMS = { ...MESSAGE_PARAMS, emoji };

const ID = v.object({ id: MESSAGE_PARAMS.id });
const EMOJI = v.object({ emoji });

/** Returns the room that a path names in `:room`. Hono has decoded it if it could. @throws {Refusal} bad_room. */
export function roomParam(c: Context): string {
  const named = v.safeParse(room, c.req.param("room"));
  if (!named.success) throw new Refusal("bad_room");
  return named.output;
}

/** Returns the message that a path names in `:room` and `:id`. @throws {Refusal} bad_room, invalid. */
export const messageParams = (c: Context): { room: string; id: number } => ({
  room: roomParam(c),
  ...readInput(ID, { id: c.req.param("id") }),
});

/** Returns the reaction that a path names in `:room`, `:id` and `:emoji`. @throws {Refusal} bad_room, invalid. */
export const reactionParams = (c: Context): { room: string; id: number; emoji: string } => ({
  ...messageParams(c),
  ...readInput(EMOJI, { emoji: c.req.param("emoji") }),
});
