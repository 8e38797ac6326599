import type { CommandHandler } from "../codecs/command.ts";
import type { CommandParts } from "./parts.ts";

/** Follows a thread or not, or moves one's read mark there, and tells one's other sockets. */
export const follow = ({ threads }: Pick<CommandParts, "threads">): CommandHandler<"follow"> => ({
  action: "read",
  cost: { budget: "marks" },
  async run({ peer, pass, command: { thread, on, id }, reply }) {
    reply.ok({ ...(await threads.change(pass, thread, { following: on, readTo: id }, peer)) });
  },
});
