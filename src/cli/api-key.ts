import { CONFIGURED, createApiKey } from "../auth/apikeys.ts";
import { listApiKeys, revokeApiKey } from "../auth/apikeystore.ts";
import { type Command, CommandError, type Context } from "./command.ts";
import { withDatabase } from "./database.ts";
import { orderOf, orSend } from "./order.ts";

export const apiKey: Command = {
  name: "api-key",
  usage: "create|revoke <name> | list",
  about: "Create a named token for the operator's routes, revoke one, or list them",
  async run(context) {
    const [verb, name = "", ...rest] = context.args;
    if (rest.length === 0) {
      if (verb === "create" && name) return await create(context, name);
      if (verb === "revoke" && name) return await revoke(context, name);
      if (verb === "list" && !name) return await list(context);
    }
    throw new CommandError(`Usage: parley api-key ${this.usage}`);
  },
};

async function create(context: Context, name: string): Promise<number> {
  const token = await withDatabase(context, (database) => createApiKey(database, name, orderOf(context)));
  context.err("Keep this token: it is shown only once. Running servers accept it at once.");
  context.out(token);
  return 0;
}

async function revoke(context: Context, name: string): Promise<number> {
  if (name === CONFIGURED) throw new CommandError("ADMIN_TOKEN is a setting: change it there, and restart");
  await orSend(`DELETE /admin/api-keys/${encodeURIComponent(name)}`, () =>
    withDatabase(context, (database) => revokeApiKey(database, name, orderOf(context))),
  );
  context.out(`${name} is revoked. Running servers refuse it within 2 s.`);
  return 0;
}

async function list(context: Context): Promise<number> {
  await withDatabase(context, async (database, { ADMIN_TOKEN }) => {
    if (ADMIN_TOKEN) context.out(JSON.stringify({ name: CONFIGURED, scope: "admin" }));
    for (const key of await listApiKeys(database)) context.out(JSON.stringify(key));
  });
  return 0;
}
