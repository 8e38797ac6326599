import { disableUser, enableUser } from "../auth/operator.ts";
import { type Command, CommandError } from "./command.ts";
import { carryOut, ORDER_USAGE } from "./order.ts";

const VERBS = {
  disable: { work: disableUser, done: "is disabled. Running servers close their sockets within 10 s" },
  enable: { work: enableUser, done: "is enabled. Running servers let them in within 10 s" },
} as const;

export const user: Command = {
  name: "user",
  usage: `disable|enable ${ORDER_USAGE}`,
  about: "Lock a person out, or let them in again; deletes nothing",
  async run(context) {
    const [verb = "", ...args] = context.args;
    if (verb !== "disable" && verb !== "enable") throw new CommandError(`Usage: parley user ${this.usage}`);
    const { work, done } = VERBS[verb];
    const usage = `user ${verb}`;
    await carryOut(context, { args, usage, work, route: (name) => `POST /admin/users/${name}/${verb}` });
    context.out(`${args[0]} ${done}.`);
    return 0;
  },
};
