import { rotateKey as rotate } from "../auth/keystore.ts";
import { type Command, CommandError } from "./command.ts";
import { withDatabase } from "./database.ts";
import { orderOf } from "./order.ts";

export const rotateKey: Command = {
  name: "rotate-key",
  usage: "[--refresh]",
  about:
    "Sign access tokens (or refresh tokens) with a new key; those of the old key stay valid until they expire",
  async run(context) {
    const [option, ...rest] = context.args;
    if ((option !== undefined && option !== "--refresh") || rest.length > 0)
      throw new CommandError(`Usage: parley rotate-key ${this.usage}`);
    const kind = option ? "refresh" : "sign";
    const kid = await withDatabase(context, (database, { JWT_PRIVATE_KEY }) => {
      if (JWT_PRIVATE_KEY && kind === "sign")
        throw new CommandError("The key comes from JWT_PRIVATE_KEY: change it there");
      return rotate(database, kind, orderOf(context));
    });
    context.out(`Servers sign tokens with key ${kid} within seconds. No restart is needed.`);
    return 0;
  },
};
