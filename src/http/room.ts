import type { Context } from "hono";
import * as v from "valibot";
import { Refusal } from "../errors.ts";
import { messageId } from "../protocol/frames.ts";
import { roomName } from "../protocol/rooms.ts";
import { readInput } from "./request.ts";

const PARAMS = v.object({
  id: v.pipe(v.string(), v.regex(/^\d{1,16}$/, "must be a whole number"), v.transform(Number), messageId),
});

/** The room that a path names in `:room`, which Hono has decoded where it could be. @throws {Refusal} bad_room. */
export function roomParam(c: Context): string {
  const room = roomName(c.req.param("room") ?? "");
  if (room === null) throw new Refusal("bad_room");
  return room;
}

/** The message that a path names in `:room` and `:id`. @throws {Refusal} bad_room, invalid. */
export const messageParams = (c: Context): { room: string; id: number } => ({
  room: roomParam(c),
  ...readInput(PARAMS, { id: c.req.param("id") }),
});
