import type { Handler } from "./commands.ts";
import { roomOf } from "./room.ts";

/** Leaves a room; one that is not joined is left already. */
export const leave: Handler<"leave"> = (session, command, reply) => {
  session.leave(roomOf(session, command));
  reply.ok();
  return undefined;
};
