import { and, eq, isNotNull, isNull, sql } from "drizzle-orm";
import { type Order, writeAudit } from "../db/audit.ts";
import type { Orm, Pool } from "../db/database.ts";
import { users } from "../db/schema.ts";
import { Refusal } from "../errors.ts";
import { textFault } from "../protocol/text.ts";
import { emailOf } from "./emails.ts";
import { revokeSessions } from "./sessionstore.ts";
import { foldOf } from "./usernames.ts";

/** Nothing longer is an email or a username, in characters. */
const NAME_MAX = 254;

/**
 * What an operator does to a person, named by email or username. Each is one transaction together with its line in the
 * audit, is not written down where it changes nothing, and answers the user's id. Servers come to see it by themselves.
 * @throws {Refusal} not_found.
 */
type Act<T> = (pool: Pool, name: string, order: Order) => Promise<T>;

const setDisabled =
  (disabled: boolean): Act<{ userId: number }> =>
  (pool, name, order) =>
    change(pool, name, async (tx, userId) => {
      const changed = await tx
        .update(users)
        .set({ disabledAt: disabled ? sql`clock_timestamp()` : null })
        .where(and(eq(users.id, userId), disabled ? isNull(users.disabledAt) : isNotNull(users.disabledAt)))
        .returning({ id: users.id });
      const action = disabled ? "user.disable" : "user.enable";
      if (changed.length > 0) await writeAudit(tx, [{ ...order, action, userId }]);
      return { userId };
    });

/** Nobody gets in as this person any more; sessions stay, and count again when the user is enabled. */
export const disableUser = setDisabled(true);
export const enableUser = setDisabled(false);

/** Ends all sessions of a user. Outside identities have none here: they are disabled instead. */
export const endSessions: Act<{ userId: number; sessionIds: readonly string[] }> = (pool, name, order) =>
  change(pool, name, async (tx, userId) => {
    const sessionIds = await revokeSessions(tx, userId, null);
    if (sessionIds.length > 0) await writeAudit(tx, [{ ...order, action: "sessions.end", userId }]);
    return { userId, sessionIds };
  });

/** The user of that email or username; someone who has left is nobody. @throws {Refusal} not_found. */
export async function findUser(orm: Orm, name: string): Promise<number> {
  if (textFault(name, { max: NAME_MAX })) throw nobody();
  // An @ is in every email and in no username.
  const named = name.includes("@") ? eq(users.email, emailOf(name)) : eq(users.usernameFold, foldOf(name));
  const [user] = await orm
    .select({ id: users.id })
    .from(users)
    .where(and(named, isNull(users.deletedAt)));
  if (!user) throw nobody();
  return user.id;
}

const nobody = () => new Refusal("not_found", { detail: "Nobody has that email or username." });

const change = <T>(pool: Pool, name: string, work: (tx: Orm, userId: number) => Promise<T>): Promise<T> =>
  pool.run((orm) => orm.transaction(async (tx) => work(tx, await findUser(tx, name))));
