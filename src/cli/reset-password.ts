import * as v from "valibot";
import { resetPassword as reset } from "../auth/operator.ts";
import { newPassword } from "../auth/passwords.ts";
import { weaknessOf } from "../auth/weak.ts";
import { type Command, CommandError } from "./command.ts";
import { withDatabase } from "./database.ts";
import { orderOf } from "./order.ts";

export const resetPassword: Command = {
  name: "reset-password",
  usage: "<email>",
  about: "Set a password from standard input, or generate and print one; ends all sessions of the account",
  async run(context) {
    const [email, ...rest] = context.args;
    if (!email || rest.length > 0) throw new CommandError("Usage: parley reset-password <email>");
    const given = (await context.input()).replace(/\r?\n$/, "");
    const password = v.safeParse(newPassword, given || randomPassword());
    if (!password.success) throw new CommandError(`The password ${password.issues[0].message}`);
    const fault = weaknessOf(password.output, email);
    if (fault) throw new CommandError(`The password ${fault}`);
    const found = await withDatabase(context, (database) =>
      reset(database, email, password.output, orderOf(context)),
    );
    if (!found) throw new CommandError("No account has that email");
    context.out(given ? "The password is set." : `The password is ${password.output}`);
    return 0;
  },
};

/** 128 random bits. */
const randomPassword = () => Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64url");
