import { findUser } from "../auth/people.ts";
import { purgePerson } from "../store/removal.ts";
import type { Command } from "./command.ts";
import { carryOut, ORDER_USAGE } from "./order.ts";

export const purge: Command = {
  name: "purge",
  usage: ORDER_USAGE,
  about: "Delete everything that a person wrote, and their reactions",
  async run(context) {
    const { messages, reactions } = await carryOut(context, {
      args: context.args,
      usage: this.name,
      route: (name) => `POST /admin/users/${name}/purge`,
      work: async (database, name, order) => {
        const { id: userId } = await database.run((orm) => findUser(orm, name));
        let shown = 0;
        return purgePerson(database, userId, order, (sofar) => {
          const total = sofar.messages + sofar.reactions;
          if (total - shown < PROGRESS) return;
          shown = total;
          context.out(`${sofar.messages} messages, ${sofar.reactions} reactions …`);
        });
      },
    });
    context.out(
      `Deleted ${messages} messages, and the reactions to ${reactions}. Running servers show that within seconds.`,
    );
    return 0;
  },
};

/** Changes between two lines of progress. */
const PROGRESS = 1_000;
