import { listKeys } from "../auth/keystore.ts";
import type { Command } from "./command.ts";
import { withDatabase } from "./database.ts";
import { orSend } from "./order.ts";

export const keys: Command = {
  name: "keys",
  about: "List the keys that sign tokens, the oldest first, as JSON lines",
  async run(context) {
    const found = await orSend("GET /admin/keys", () => withDatabase(context, listKeys));
    for (const key of found) context.out(JSON.stringify(key));
    return 0;
  },
};
