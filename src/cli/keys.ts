import { listKeys } from "../auth/keystore.ts";
import type { Command } from "./command.ts";
import { withDatabase } from "./database.ts";

export const keys: Command = {
  name: "keys",
  about: "List the keys that sign tokens, the oldest first, as JSON lines",
  async run(context) {
    for (const key of await withDatabase(context, listKeys)) context.out(JSON.stringify(key));
    return 0;
  },
};
