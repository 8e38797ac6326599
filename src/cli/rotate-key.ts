import { rotateKey as rotate } from "../auth/keystore.ts";
import { type Command, CommandError } from "./command.ts";
import { withDatabase } from "./database.ts";
import { orderOf } from "./order.ts";

export const rotateKey: Command = {
  name: "rotate-key",
  about: "Sign access tokens with a new key; tokens of the old key stay valid until they expire",
  async run(context) {
    const kid = await withDatabase(context, (database, { JWT_PRIVATE_KEY }) => {
      if (JWT_PRIVATE_KEY) throw new CommandError("The key comes from JWT_PRIVATE_KEY: change it there");
      return rotate(database, "sign", orderOf(context));
    });
    context.out(`Servers sign tokens with key ${kid} within seconds. No restart is needed.`);
    return 0;
  },
};
