import { renewEpoch } from "../db/meta.ts";
import type { Command } from "./command.ts";
import { withDatabase } from "./database.ts";

export const newEpoch: Command = {
  name: "new-epoch",
  about: "After a restore or a lossy failover: make clients drop what they hold and read anew",
  async run(context) {
    const epoch = await withDatabase(context, (database) => renewEpoch(database));
    context.out(`The epoch is ${epoch} now. Restart every server.`);
    return 0;
  },
};
