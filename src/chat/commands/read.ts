import { Refusal } from "../../errors.ts";
import type { Handler } from "./commands.ts";
import { roomOf } from "./room.ts";

/** Moves one's read mark in a room, and tells one's other sockets there. */
export const read: Handler<"read"> = (session, command, reply) => {
  const room = roomOf(session, command);
  const { identity, shared } = session;
  if (!shared.access.may(identity, room, "read")) throw new Refusal("forbidden");
  // Those behind it do not wait for its commit.
  shared.members.read(identity.userId, room, command.id).then(
    ({ lastRead, moved }) => {
      if (moved) session.marked(room, lastRead);
      reply.ok();
    },
    (error: unknown) => {
      if (!(error instanceof Refusal)) shared.faulted(error);
      reply.refuse(error instanceof Refusal ? error : new Refusal("internal"));
    },
  );
  return undefined;
};
