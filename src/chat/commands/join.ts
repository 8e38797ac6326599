import { type CommandHandler, roomOf } from "../codecs/command.ts";

/** Joins a room, from the client's position if it names one. Joining again starts the subscription again. */
export const join: CommandHandler<"join"> = {
  cost: { budget: "joins" },
  run: ({ peer, command, reply }) => peer.join(roomOf({ peer, command }), command.since, () => reply.ok()),
};
