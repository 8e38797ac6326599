import { revokeKey as revoke } from "../auth/keystore.ts";
import { type Command, CommandError } from "./command.ts";
import { withDatabase } from "./database.ts";
import { orderOf, orSend } from "./order.ts";

export const revokeKey: Command = {
  name: "revoke-key",
  usage: "<kid>",
  about: "End a stolen key at once: nothing that it signed is accepted any more",
  async run(context) {
    const [kid, ...rest] = context.args;
    if (!kid || rest.length > 0) throw new CommandError("Usage: parley revoke-key <kid>");
    const { kind, successor, sessions } = await orSend(`DELETE /admin/keys/${encodeURIComponent(kid)}`, () =>
      withDatabase(context, (database) => revoke(database, kid, orderOf(context))),
    );
    const effect =
      kind === "sign" ? "Clients get new access tokens by themselves." : `Sessions ended: ${sessions}.`;
    const next = successor ? ` Key ${successor} takes its place within 7 s.` : "";
    context.out(`The key is revoked. Running servers refuse its tokens within 2 s. ${effect}${next}`);
    return 0;
  },
};
