import type { Context } from "hono";
import { Refusal } from "../errors.ts";
import { roomName } from "../protocol/rooms.ts";

/** The room that a path names in `:room`, which Hono has decoded where it could be. @throws {Refusal} bad_room. */
export function roomParam(c: Context): string {
  const room = roomName(c.req.param("room") ?? "");
  if (room === null) throw new Refusal("bad_room");
  return room;
}
