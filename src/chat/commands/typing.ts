import { Refusal } from "../../errors.ts";
import type { Handler } from "./commands.ts";
import { roomOf } from "./room.ts";

/** Says that one is typing in a room that one has joined; in another one it says nothing to nobody. */
export const typing: Handler<"typing"> = (session, command, reply) => {
  const room = roomOf(session, command);
  const { identity, shared } = session;
  if (!shared.access.may(identity, room, "post")) throw new Refusal("forbidden");
  if (session.joined(room)) shared.typing.typing(room, identity.username);
  reply.ok();
  return undefined;
};
