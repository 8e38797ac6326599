import { endSessions } from "../auth/operator.ts";
import { type Command, CommandError } from "./command.ts";
import { carryOut, ORDER_USAGE } from "./order.ts";

export const sessions: Command = {
  name: "sessions",
  usage: `end ${ORDER_USAGE}`,
  about: "End all sessions of a person, who can log in again",
  async run(context) {
    const [verb, ...args] = context.args;
    if (verb !== "end") throw new CommandError(`Usage: parley sessions ${this.usage}`);
    const { sessionIds } = await carryOut(context, {
      args,
      usage: "sessions end",
      work: endSessions,
      route: (name) => `DELETE /admin/users/${name}/sessions`,
    });
    context.out(`Sessions ended: ${sessionIds.length}. Running servers close their sockets within 10 s.`);
    return 0;
  },
};
