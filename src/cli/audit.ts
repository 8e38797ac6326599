import { readAudit } from "../db/audit.ts";
import { type Command, CommandError } from "./command.ts";
import { withDatabase } from "./database.ts";
import { orSend } from "./order.ts";

const USUAL = "100";

export const audit: Command = {
  name: "audit",
  usage: "[count]",
  about: "Print what operators did, the newest first, as JSON lines",
  async run(context) {
    const [count = USUAL, ...rest] = context.args;
    if (!/^[1-9]\d{0,5}$/.test(count) || rest.length > 0)
      throw new CommandError(`Usage: parley audit ${this.usage}`);
    const entries = await orSend(`GET /admin/audit?limit=${count}`, () =>
      withDatabase(context, (database) => readAudit(database, undefined, Number(count))),
    );
    for (const entry of entries) context.out(JSON.stringify(entry));
    return 0;
  },
};
