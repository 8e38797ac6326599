import { type CommandHandler, roomOf } from "../codecs/command.ts";

/** Leaves a room on this socket. Does nothing if the socket is not in it. The person stays a member. */
export const leave: CommandHandler<"leave"> = {
  cost: null,
  run({ peer, command, reply }) {
    peer.leave(roomOf({ peer, command }));
    reply.ok();
  },
};
