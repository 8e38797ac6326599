import { restoreUser as restore } from "../auth/operator.ts";
import type { Command } from "./command.ts";
import { carryOut, ORDER_USAGE } from "./order.ts";

export const restoreUser: Command = {
  name: "restore-user",
  usage: ORDER_USAGE,
  about: "Restore a deleted account that has not been erased yet",
  async run(context) {
    const { args } = context;
    await carryOut(context, {
      args,
      usage: "restore-user",
      work: restore,
      route: (name) => `POST /admin/users/${name}/restore`,
    });
    context.out(`${args[0]} is not deleted, and can log in. Running servers let them in within 10 s.`);
    return 0;
  },
};
