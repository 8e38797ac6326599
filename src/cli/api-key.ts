import * as v from "valibot";
import { CONFIGURED, createApiKey, keyBudget } from "../auth/apikeys.ts";
import { listApiKeys } from "../auth/apikeystore.ts";
import { revokeApiKey } from "../auth/revoking.ts";
import { duration } from "../config/schemas.ts";
import { readFields } from "../protocol/fields.ts";
import { scopeList } from "../scopes.ts";
import { type Command, CommandError, type Context } from "./command.ts";
import { withDatabase } from "./database.ts";
import { orderOf, orSend } from "./order.ts";

const USAGE =
  "create <name> [--scope <scope>]… [--expires <time>] [--budget <times>] | revoke <name> [--all] | list";

export const apiKey: Command = {
  name: "api-key",
  usage: USAGE,
  about: "Create a named key with scopes for operators or a backend, revoke one, or list them",
  async run(context) {
    const [verb, name = "", ...rest] = context.args;
    if (verb === "create" && name) return await create(context, name, rest);
    if (verb === "revoke" && name && rest.every((word) => word === "--all"))
      return await revoke(context, name, rest.length > 0);
    if (rest.length === 0) {
      if (verb === "list" && !name) return await list(context);
    }
    throw wrong();
  },
};

const wrong = () => new CommandError(`Usage: parley api-key ${USAGE}`);

const OPTIONS = v.object({
  scopes: v.optional(scopeList),
  expires: v.optional(duration),
  budget: v.optional(keyBudget),
});

/** @throws {CommandError} that names the option that is wrong. */
function optionsOf(words: readonly string[]): v.InferOutput<typeof OPTIONS> {
  const given: { scopes?: string[]; expires?: string; budget?: number } = {};
  for (let at = 0; at < words.length; at += 2) {
    const [option, value] = [words[at], words[at + 1]];
    if (value === undefined) throw wrong();
    if (option === "--scope") (given.scopes ??= []).push(value);
    else if (option === "--expires" && given.expires === undefined) given.expires = value;
    else if (option === "--budget" && given.budget === undefined) given.budget = Number(value);
    else throw wrong();
  }
  const { fields, errors } = readFields(OPTIONS, given);
  if (fields) return fields;
  throw new CommandError(
    Object.entries(errors)
      .map(([name, [fault]]) => `--${name === "scopes" ? "scope" : name} ${fault}`)
      .join("; "),
  );
}

async function create(context: Context, name: string, words: readonly string[]): Promise<number> {
  const { scopes, expires: ttlMs, budget } = optionsOf(words);
  const key = await orSend("POST /api-keys/", () =>
    withDatabase(context, (database) =>
      createApiKey(database, { name, scopes, ttlMs, budget }, orderOf(context)),
    ),
  );
  context.err(`It may do this: ${key.scopes.join(" ")}.${scopes ? "" : " Restrict it with --scope."}`);
  if (key.expiresAt) context.err(`It expires at ${key.expiresAt}.`);
  context.err("Keep this token: it is shown only once. Running servers accept it at once.");
  context.out(key.token);
  return 0;
}

async function revoke(context: Context, name: string, cascade: boolean): Promise<number> {
  if (name === CONFIGURED) throw new CommandError("ADMIN_TOKEN is a setting: change it there, and restart");
  const path = `/api-keys/${encodeURIComponent(name)}/`;
  const { keys, hooks, incomingHooks } = await orSend(`DELETE ${path}${cascade ? "?cascade=true" : ""}`, () =>
    withDatabase(context, (database) => revokeApiKey(database, name, orderOf(context), { cascade })),
  );
  context.out(`${name} is revoked. Running servers refuse it within 2 s.`);
  const made = [
    ...keys.map((key) => `the key ${key}`),
    ...hooks.map((hook) => `the webhook ${hook.id} ${hook.name}`),
    ...incomingHooks.map((hook) => `the incoming hook ${hook.id} ${hook.name} in ${hook.room}`),
  ];
  if (made.length > 0)
    context.out(
      cascade ? "What was created with it has ended too:" : "What was created with it still works:",
    );
  for (const one of made) context.out(`  ${one.trimEnd()}`);
  if (made.length > 0 && !cascade) context.out(`parley api-key revoke ${name} --all ends all of it.`);
  return 0;
}

async function list(context: Context): Promise<number> {
  await withDatabase(context, async (database, { ADMIN_TOKEN }) => {
    if (ADMIN_TOKEN) context.out(JSON.stringify({ name: CONFIGURED, scopes: ["admin"] }));
    for (const key of await listApiKeys(database)) context.out(JSON.stringify(key));
  });
  return 0;
}
