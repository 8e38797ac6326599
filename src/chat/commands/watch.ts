import type { CommandHandler } from "../codecs/command.ts";

/** Starts or stops telling of activity in one's rooms that the socket has not joined. */
export const watch: CommandHandler<"watch"> = {
  cost: { budget: "lists" },
  async run({ peer, command, reply }) {
    await peer.watch(command.on);
    reply.ok();
  },
};
