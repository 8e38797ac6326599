import { renewEpoch } from "../db/meta.ts";
import type { Command } from "./command.ts";
import { withDatabase } from "./database.ts";
import { orderOf } from "./order.ts";

export const newEpoch: Command = {
  name: "new-epoch",
  about: "Make clients discard their state and reload, after a restore or a lossy failover",
  async run(context) {
    const epoch = await withDatabase(context, (database) => renewEpoch(database, orderOf(context)));
    context.out(`The new epoch is ${epoch}. Restart every server.`);
    return 0;
  },
};
