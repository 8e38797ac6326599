import type { Handler } from "./commands.ts";
import { roomOf } from "./room.ts";

/** Joins a room, from where the client stands if it says so. A repeated join starts the room's feed again. */
export const join: Handler<"join"> = async (session, command, reply) =>
  session.join(roomOf(session, command), command.since, () => reply.ok());
