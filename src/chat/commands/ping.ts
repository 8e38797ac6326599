import type { CommandHandler } from "../codecs/command.ts";

/** Shows that the socket is alive. */
export const ping: CommandHandler<"ping"> = { cost: null, run: ({ reply }) => reply.ok() };
