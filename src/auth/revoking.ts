import { sql } from "drizzle-orm";
import { type Action, type Deed, writeAudit } from "../db/audit.ts";
import { type Orm, type Pool, rows } from "../db/database.ts";
import { Refusal } from "../errors.ts";
import type { Order } from "../order.ts";
import { textFault } from "../protocol/text.ts";
import { NAME_MAX } from "./apikeystore.ts";

/** What was created with a key, or with keys that were created with it, and works without it. */
export interface Made {
  /** The names of keys. */
  readonly keys: string[];
  /** Webhooks. */
  readonly hooks: { readonly id: string; readonly name: string }[];
  readonly incomingHooks: { readonly id: string; readonly name: string; readonly room: string }[];
}

/**
 * Revokes a key, and returns what was created with it and still works. With `cascade`, ends all of that too and returns it; then
 * the key may have been revoked before. Running servers follow within seconds.
 * @throws {Refusal} not_found.
 */
export async function revokeApiKey(
  pool: Pool,
  name: string,
  order: Order,
  { cascade = false }: { readonly cascade?: boolean } = {},
): Promise<Made> {
  if (textFault(name, { max: NAME_MAX })) throw noSuchKey();
  return pool.run((orm) =>
    orm.transaction(async (tx) => {
      const known = await rows<{ name: string }>(
        tx,
        sql`select name from api_keys where name = ${name}::text ${cascade ? sql`` : sql`and revoked_at is null`} for update`,
      );
      if (known.length === 0) throw noSuchKey();
      const revoked = await revoke(tx, [name]);
      const made = await madeWith(tx, name);
      await writeAudit(tx, [
        ...deeds(order, "api_key.revoke", revoked),
        ...(cascade ? await end(tx, made, order) : []),
      ]);
      return made;
    }),
  );
}

const noSuchKey = () =>
  new Refusal("not_found", { detail: "No key in use has that name. See parley api-key list." });

const deeds = (order: Order, action: Action, targets: readonly string[]): Deed[] =>
  targets.map((target) => ({ ...order, action, target }));

/** Texts that are in a list, in a form that each driver knows. */
const oneOf = (texts: readonly string[]) =>
  sql`in (select json_array_elements_text(${JSON.stringify(texts)}::text::json))`;

/** Revokes keys. Returns the names of those that were in use. */
const revoke = async (orm: Orm, names: readonly string[]): Promise<string[]> =>
  (
    await rows<{ name: string }>(
      orm,
      sql`update api_keys set revoked_at = clock_timestamp() where name ${oneOf(names)} and revoked_at is null returning name`,
    )
  ).map(({ name }) => name);

async function madeWith(orm: Orm, name: string): Promise<Made> {
  // Names of keys are never used twice, and the audit is kept for ever.
  const names = await rows<{ name: string; isInUse: boolean }>(
    orm,
    sql`with recursive made (name) as (
        select ${name}::text
        union
        select a.target from made m join audit a on a.actor = m.name and a.via = 'http' and a.action = 'api_key.create'
      )
      select k.name, k.revoked_at is null as "isInUse" from made m join api_keys k on k.name = m.name order by k.id`,
  );
  const creators = oneOf(names.map((one) => one.name));
  return {
    keys: names.flatMap((one) => (one.isInUse ? [one.name] : [])),
    hooks: await rows(
      orm,
      sql`select id::text as id, name from hooks where created_by ${creators} and deleted_at is null order by created_at, id`,
    ),
    incomingHooks: await rows(
      orm,
      sql`select id::text as id, name, room from incoming_hooks where created_by ${creators} and revoked_at is null
        order by created_at, id`,
    ),
  };
}

/** Ends what was made with a key. Returns what that is for the audit. */
async function end(orm: Orm, { keys, hooks, incomingHooks }: Made, order: Order): Promise<Deed[]> {
  const idsOf = (all: readonly { readonly id: string }[]) => all.map(({ id }) => id);
  await revoke(orm, keys);
  await rows(
    orm,
    sql`update hooks set deleted_at = clock_timestamp(), secret = '', old_secret = null where id::text ${oneOf(idsOf(hooks))}`,
  );
  await rows(
    orm,
    sql`update incoming_hooks set revoked_at = clock_timestamp() where id::text ${oneOf(idsOf(incomingHooks))}`,
  );
  return [
    ...deeds(order, "api_key.revoke", keys),
    ...deeds(order, "hook.delete", idsOf(hooks)),
    ...deeds(order, "incoming_hook.revoke", idsOf(incomingHooks)),
  ];
}
