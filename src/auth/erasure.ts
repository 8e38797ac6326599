import { createHmac } from "node:crypto";
import { and, eq, inArray, isNotNull, isNull, sql } from "drizzle-orm";
import { type Clock, tryEvery } from "../clock.ts";
import { writeAudit } from "../db/audit.ts";
import { type Orm, type Pool, rows } from "../db/database.ts";
import {
  digests,
  erasedPeople,
  mails,
  mentions,
  pushDevices,
  quietHours,
  saved,
  sessions,
  tickets,
  users,
} from "../db/schema.ts";
import { faultOf } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Order } from "../order.ts";
import type { SecurityLog } from "../security.ts";
import { revokeSessions } from "./sessionstore.ts";
import { deletedName } from "./usernames.ts";
import { insertUser, type NewUser, type User } from "./users.ts";

// An account is deleted in two steps. At once, its person can no longer sign in, and everything else stays as it was. Later
// it is erased; until then an operator can restore it.

/** Outside identities are erased no sooner: by then every token that was issued before has expired. */
const OUTSIDE_MS = 25 * 3600 * 1000;
const BATCH = 100;

/** Deletes an account and ends its sessions. Returns false if the account was deleted before. */
export async function deleteUser(tx: Orm, userId: number): Promise<boolean> {
  const deleted = await tx
    .update(users)
    .set({ deletedAt: sql`clock_timestamp()` })
    .where(and(eq(users.id, userId), isNull(users.deletedAt)))
    .returning({ id: users.id });
  await revokeSessions(tx, userId, null);
  return deleted.length > 0;
}

/** Restores a deleted account. Its sessions stay ended. Does nothing if it is not deleted or was erased. */
export async function undeleteUser(tx: Orm, userId: number, order: Order): Promise<void> {
  const restored = await tx
    .update(users)
    .set({ deletedAt: null })
    .where(and(eq(users.id, userId), isNotNull(users.deletedAt), isNull(users.erasedAt)))
    .returning({ id: users.id });
  if (restored.length > 0) await writeAudit(tx, [{ ...order, action: "account.restore", userId }]);
}

/** What a person signs in with: an email address, or an outside identity. */
type Identifiers = Pick<User, "email" | "issuer" | "subject">;

/** A keyed hash: without the key, nobody can find out which address it stands for by trying addresses. */
const hashOf = (key: string, { email, issuer, subject }: Identifiers) =>
  createHmac("sha256", key)
    .update(JSON.stringify(email === null ? [issuer, subject] : [email]))
    .digest("base64url");

interface Due extends Identifiers {
  readonly id: number;
  /** Whether they are disabled or banned from a room. */
  readonly barred: boolean;
}

export interface Erasing {
  readonly afterMs: number;
  readonly key: string;
  /**
   * Gives to others what people with deleted accounts own outside of this folder. Resolves to those who still own
   * something: they are erased later.
   */
  readonly passOn?: (() => Promise<ReadonlySet<number>>) | undefined;
}

/**
 * Erases up to 100 accounts that were deleted more than `afterMs` ago: email, password, outside identity, sessions,
 * display name, picture, saved messages, mentions, devices, quiet hours, mails and their links, and the username on their messages, which becomes `deleted-<id>`. Nobody else ever gets the old
 * name. A keyed hash of the address stays of anyone who is disabled or banned. Nodes may run this at the same time.
 * Returns the ids.
 */
export async function eraseDue(pool: Pool, { afterMs, key, passOn }: Erasing): Promise<number[]> {
  // Whoever deletes their account from now on is not among those whose belongings are passed on.
  const [begun] = await pool.run((orm) =>
    rows<{ at: string }>(orm, sql`select clock_timestamp()::text as at`),
  );
  const owners = await passOn?.();
  return pool.run((orm) =>
    orm.transaction(async (tx) => {
      const due = await rows<Due>(
        tx,
        sql`select u.id::float8 as id, u.email, u.issuer, u.subject,
            u.disabled_at is not null or exists (select 1 from bans b where b.user_id = u.id) as barred
          from users u
          where u.deleted_at is not null and u.erased_at is null
            and u.deleted_at <= now() - interval '1 millisecond' * ${afterMs}::float8
            and (u.issuer is null or u.deleted_at <= now() - interval '1 millisecond' * ${OUTSIDE_MS}::float8)
            and u.deleted_at < ${begun?.at}::text::timestamptz
            and u.id <> all (${`{${[...(owners ?? [])].join()}}`}::text::bigint[])
          order by u.deleted_at limit ${BATCH}::int
          for update skip locked`,
      );
      if (due.length === 0) return [];
      const barred = due.filter((user) => user.barred);
      if (barred.length > 0)
        await tx
          .insert(erasedPeople)
          .values(barred.map((user) => ({ hash: hashOf(key, user), userId: user.id })))
          .onConflictDoNothing();
      const ids = due.map(({ id }) => id);
      await tx.delete(sessions).where(inArray(sessions.userId, ids));
      await tx.delete(saved).where(inArray(saved.userId, ids));
      await tx.delete(pushDevices).where(inArray(pushDevices.userId, ids));
      await tx.delete(quietHours).where(inArray(quietHours.userId, ids));
      await tx.delete(mentions).where(inArray(mentions.userId, ids));
      await removeMailOf(tx, due);
      for (const id of ids)
        await tx
          .update(users)
          .set({
            email: null,
            verifiedAt: null,
            passwordHash: null,
            issuer: null,
            subject: null,
            username: deletedName(id),
            name: null,
            picture: null,
            erasedAt: sql`clock_timestamp()`,
          })
          .where(eq(users.id, id));
      return ids;
    }),
  );
}

/** Removes links, mails that wait and what is known of mails. */
async function removeMailOf(tx: Orm, people: readonly Due[]): Promise<void> {
  const ids = people.map(({ id }) => id);
  const addresses = people.flatMap(({ email }) => email ?? []);
  await tx.delete(tickets).where(inArray(tickets.userId, ids));
  await tx.delete(digests).where(inArray(digests.userId, ids));
  await tx.delete(mails).where(inArray(mails.userId, ids));
  if (addresses.length > 0) await tx.delete(mails).where(inArray(mails.address, addresses));
}

/** How often each node looks for accounts to erase. */
const INTERVAL_MS = 10_000;

interface Regularly {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly log: Log;
  readonly security: Pick<SecurityLog, "record">;
}

/**
 * Passes on what people with deleted accounts own, and erases the accounts when their time has come. Returns a function that
 * stops it.
 */
export function eraseRegularly({ pool, clock, log, security }: Regularly, erasing: Erasing) {
  const erase = async () => {
    for (const userId of await eraseDue(pool, erasing)) security.record("account.erase", { userId });
  };
  return tryEvery(clock, INTERVAL_MS, erase, (error) =>
    log.warn(
      { event: "erase_failed", fault: faultOf(error) },
      "deleted accounts could not be erased; the next attempt is in ten seconds",
    ),
  );
}

/**
 * Inserts a user like {@link insertUser}. If the same address or outside identity was erased before, its bans, and
 * whether it was disabled, pass on to the new one. Call it in a transaction.
 */
export async function createUser(
  tx: Orm,
  values: NewUser,
  names: Iterable<string>,
  key: string,
): ReturnType<typeof insertUser> {
  const user = await insertUser(tx, values, names);
  return typeof user === "string" ? user : inheritBans(tx, user, key);
}

async function inheritBans(tx: Orm, user: User, key: string): Promise<User> {
  const [inherited] = await rows<{ disabled: boolean }>(
    tx,
    sql`with erased as (
        delete from erased_people where hash = ${hashOf(key, user)}::text returning user_id
      ), banned as (
        insert into bans (user_id, room_id, at, version)
        select ${user.id}::bigint, b.room_id, max(b.at), max(b.version) from bans b join erased e on e.user_id = b.user_id
        group by b.room_id
      )
      update users set disabled_at = clock_timestamp()
      where id = ${user.id}::bigint and exists (
        select 1 from erased e join users u on u.id = e.user_id where u.disabled_at is not null
      )
      returning true as disabled`,
  );
  return inherited ? { ...user, disabledAt: new Date() } : user;
}
