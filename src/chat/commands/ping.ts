import type { Handler } from "./commands.ts";

/** Says that the socket lives. */
export const ping: Handler<"ping"> = (_session, _command, reply) => {
  reply.ok();
  return undefined;
};
