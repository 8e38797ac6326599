import { and, eq, isNotNull, isNull, sql } from "drizzle-orm";
import { writeAudit } from "../db/audit.ts";
import type { Orm, Pool } from "../db/database.ts";
import { users } from "../db/schema.ts";
import type { Order } from "../order.ts";
import { emailOf } from "./emails.ts";
import { undeleteUser } from "./erasure.ts";
import { findUser } from "./people.ts";
import { hashPassword } from "./passwords.ts";
import { revokeSessions } from "./sessionstore.ts";
import { voidTickets } from "./tickets.ts";

/**
 * What an operator can do to a person, named by id, username or email. Each act and its audit entry are one transaction; an
 * act that changes nothing is not recorded. Returns the user's id. Running servers notice by themselves.
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

/** Bars a person from signing in. Their sessions stay, and work again once the user is enabled. */
export const disableUser = setDisabled(true);
export const enableUser = setDisabled(false);

/** Ends all sessions of a user. Outside identities have none here: disable them instead. */
export const endSessions: Act<{ userId: number; sessionIds: readonly string[] }> = (pool, name, order) =>
  change(pool, name, async (tx, userId) => {
    const sessionIds = await revokeSessions(tx, userId, null);
    if (sessionIds.length > 0) await writeAudit(tx, [{ ...order, action: "sessions.end", userId }]);
    return { userId, sessionIds };
  });

/** Restores a deleted account that has not been erased. Its person has to log in again. */
export const restoreUser: Act<{ userId: number }> = (pool, name, order) =>
  change(pool, name, async (tx, userId) => {
    await undeleteUser(tx, userId, order);
    return { userId };
  });

/**
 * Sets a password on an operator's order and ends all sessions of the account. Returns false if no account
 * has that email.
 */
export async function resetPassword(
  pool: Pool,
  email: string,
  password: string,
  order: Order,
): Promise<boolean> {
  const passwordHash = await hashPassword(password);
  return pool.run((orm) =>
    orm.transaction(async (tx) => {
      const [user] = await tx
        .update(users)
        .set({ passwordHash })
        .where(eq(users.email, emailOf(email)))
        .returning({ id: users.id });
      if (!user) return false;
      await revokeSessions(tx, user.id, null);
      await voidTickets(tx, user.id, ["reset", "change"]);
      await writeAudit(tx, [{ ...order, action: "password.reset", userId: user.id }]);
      return true;
    }),
  );
}

const change = <T>(pool: Pool, name: string, work: (tx: Orm, userId: number) => Promise<T>): Promise<T> =>
  pool.run((orm) => orm.transaction(async (tx) => work(tx, (await findUser(tx, name)).id)));
