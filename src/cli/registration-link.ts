import * as v from "valibot";
import { createLink, fragmentOf } from "../auth/links.ts";
import { duration } from "../config/schemas.ts";
import { type Command, CommandError } from "./command.ts";
import { withDatabase } from "./database.ts";
import { orderOf, orSend } from "./order.ts";

const USAGE = "[--expires <time>] [reason]";

export const registrationLink: Command = {
  name: "registration-link",
  usage: USAGE,
  about: "Print a link that creates one account, for REGISTRATION=invite; valid for 7d by default",
  async run(context) {
    const { args, out, err } = context;
    const [given, reason] = args[0] === "--expires" ? [args[1] ?? "", args.slice(2)] : ["7d", args];
    const ttlMs = v.safeParse(duration, given);
    if (!ttlMs.success || reason[0]?.startsWith("-"))
      throw new CommandError(`Usage: parley registration-link ${USAGE}, with a time such as 12h or 7d`);
    const order = orderOf(context, reason.join(" "));
    await orSend(`POST /admin/registration-links?expires=${given}`, () =>
      withDatabase(context, async (database, { PUBLIC_URL, REGISTRATION }) => {
        if (REGISTRATION !== "invite")
          err(`REGISTRATION is ${REGISTRATION} here: links are needed and accepted only if it is invite.`);
        const made = await createLink(database, { ttlMs: ttlMs.output, publicUrl: PUBLIC_URL }, order);
        if (!made.url) err("PUBLIC_URL is not set: put the address of the server in front of this.");
        err(`It creates one account, until ${made.expiresAt}. It is shown only once.`);
        out(made.url ?? `/${fragmentOf(made.token)}`);
      }),
    );
    return 0;
  },
};
