import { and, eq, isNull, sql } from "drizzle-orm";
import { type Orm, type Pool, sqlState } from "../db/database.ts";
import type { Wanted } from "../db/mails.ts";
import { digests, users } from "../db/schema.ts";
import { Refusal } from "../errors.ts";
import type { Identity } from "../identity.ts";
import { networkOf, siteOf } from "../limits/network.ts";
import type { Origin, SecurityLog } from "../security.ts";
import { type Confirming, factsOf, userOf, wrongPassword } from "./confirming.ts";
import type { Passwords } from "./passwords.ts";
import type { Post } from "./post.ts";
import { revokeSessions } from "./sessionstore.ts";
import type { Logins } from "./standing.ts";
import { linkInvalid, readTicket, type Ticket, type TicketKind, useTicket, voidTickets } from "./tickets.ts";
import { readUnsubscribeToken } from "./unsubscribing.ts";
import type { User } from "./users.ts";
import { weaknessOf } from "./weak.ts";

/** What somebody's account says about mails. */
export interface MailSettings {
  readonly email: string;
  /** Whether they have proved that they read mails to it. */
  readonly verified: boolean;
  /** Whether they want mails about what they have not read. */
  readonly digest: boolean;
}

/** What people do with mails: get back into an account, prove an address, change it. Callers validate inputs. */
export interface Recovery {
  /**
   * Has a link sent to an address, if it is that of an account. Whether it is, is looked up later: until then both cost the
   * same. @throws {Refusal} busy.
   */
  requestReset(email: string): Promise<void>;
  /**
   * Sets a password with the token of a link. Ends all sessions and all other links, and verifies the address.
   * @throws {Refusal} link_invalid, invalid (a weak password), busy, rate_limited.
   */
  reset(given: { token: string; password: string }, origin: Origin): Promise<void>;
  /** Has a link sent that verifies the person's address, unless it is verified. @throws {Refusal} busy, forbidden. */
  requestVerification(who: Identity): Promise<void>;
  /**
   * Has a link sent to a new address, which changes the person's address. Until then the old one stays.
   * @throws {Refusal} invalid (wrong password), forbidden, rate_limited, busy.
   */
  changeEmail(who: Identity, change: { email: string; password: string }, origin: Origin): Promise<void>;
  /** Verifies an address, or changes it, with the token of a link. @throws {Refusal} link_invalid, email_taken. */
  verify(token: string, origin: Origin): Promise<{ readonly email: string }>;
  /** @throws {Refusal} forbidden for outside identities, which have no address here. */
  settings(who: Identity): Promise<MailSettings>;
  setDigest(who: Identity, on: boolean): Promise<MailSettings>;
  /** Ends mails about what somebody has not read, with the token that these have. @throws {Refusal} link_invalid. */
  unsubscribe(token: string): Promise<void>;
}

interface RecoveryParts {
  readonly pool: Pool;
  readonly passwords: Passwords;
  readonly confirming: Confirming;
  readonly standing: Pick<Logins, "end">;
  readonly security: Pick<SecurityLog, "record">;
  readonly post: Post;
  /** See `Meta.mailKey`. */
  readonly key: string;
}

const UNIQUE_VIOLATION = "23505";
const VERIFYING: readonly TicketKind[] = ["verify", "change"];
/** How long a request may wait if too many mails do, in milliseconds. */
const RETRY_MS = 60_000;

export function createRecovery(parts: RecoveryParts): Recovery {
  const { pool, passwords, confirming, standing, security, post, key } = parts;

  /** Has a mail sent, if `check` does not throw in the same transaction. */
  const request = async (mail: Wanted, check?: (tx: Orm) => Promise<void>) => {
    const isSent = await post.transaction(pool, async (tx, send) => {
      await check?.(tx);
      return send(mail);
    });
    if (!isSent) throw new Refusal("busy", { retryAfterMs: RETRY_MS });
  };

  /** Runs work on a ticket. A ticket that is not valid is recorded. */
  const recorded = <T>(origin: Origin, work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      if (error instanceof Refusal && error.code === "link_invalid")
        security.record("ticket.fail", { origin });
      throw error;
    });

  const settingsOf = async (orm: Orm, user: User & { readonly email: string }): Promise<MailSettings> => {
    const [row] = await orm.select({ off: digests.off }).from(digests).where(eq(digests.userId, user.id));
    return { email: user.email, verified: user.verifiedAt !== null, digest: row?.off !== true };
  };

  const settings = async (who: Identity) => {
    const user = addressed(await userOf(pool, who));
    return pool.run((orm) => settingsOf(orm, user));
  };

  return {
    requestReset: (email) => request({ kind: "reset", address: email }),
    async reset({ token, password }, origin) {
      const user = await recorded(
        origin,
        pool.run(async (orm) => ownerOf(await readTicket(orm, token, ["reset"]), byId(orm))),
      );
      const fault = weaknessOf(password, user.email, user.username);
      if (fault) throw new Refusal("invalid", { errors: { new: [fault] } });
      const { address } = origin;
      const groups = ["known", siteOf(address), networkOf(address), `reset ${user.id}`];
      const passwordHash = await passwords.hash(password, groups);
      const ended = await recorded(
        origin,
        post.transaction(pool, async (tx, send) => {
          const { email } = (await claim(tx, token, ["reset"])).user;
          await tx
            .update(users)
            .set({ passwordHash, verifiedAt: sql`coalesce(verified_at, clock_timestamp())` })
            .where(eq(users.id, user.id));
          await beginDigests(tx, user.id);
          await voidTickets(tx, user.id, ["reset", "change"]);
          await send({ kind: "password", address: email, userId: user.id });
          return revokeSessions(tx, user.id, null);
        }),
      );
      security.record("password.recover", { ...factsOf(user), origin, sessions: ended.length });
      if (ended.length > 0) standing.end({ userId: user.id, sessionIds: ended, reason: "session_ended" });
    },
    async requestVerification(who) {
      const user = addressed(await userOf(pool, who));
      if (user.verifiedAt === null) await request({ kind: "verify", address: user.email, userId: user.id });
    },
    async changeEmail(who, { email, password }, origin) {
      const { user } = await confirming.confirm(who, password, origin);
      if (user.email === email) return;
      await request({ kind: "change", address: email, userId: user.id }, async (tx) => {
        // Whoever changes the password takes back what was asked for with the one before.
        const [same] = await locked(tx)(user.id);
        if (same?.passwordHash !== user.passwordHash) throw wrongPassword();
      });
    },
    async verify(token, origin) {
      const { user, ticket } = await recorded(
        origin,
        post
          .transaction(pool, (tx, send) => verifyWith(tx, token, send))
          .catch((error: unknown) => {
            // Someone registered with the address at the same time.
            throw sqlState(error) === UNIQUE_VIOLATION ? new Refusal("email_taken") : error;
          }),
      );
      const event = ticket.kind === "change" ? "email.change" : "email.verify";
      security.record(event, { ...factsOf(user), origin });
      return { email: ticket.address };
    },
    settings,
    async setDigest(who, on) {
      const user = addressed(await userOf(pool, who));
      return pool.run(async (orm) => {
        await setDigests(orm, user.id, !on);
        return settingsOf(orm, user);
      });
    },
    async unsubscribe(token) {
      const uid = readUnsubscribeToken(key, token);
      if (uid === undefined) throw linkInvalid();
      await pool.run(async (orm) => {
        const [user] = await orm
          .select({ id: users.id })
          .from(users)
          .where(and(eq(users.uid, uid), isNull(users.erasedAt)));
        // Whoever is gone gets none anyway.
        if (user) await setDigests(orm, user.id, true);
      });
    },
  };
}

const isActive = and(isNull(users.disabledAt), isNull(users.deletedAt), isNull(users.erasedAt));

const byId = (orm: Orm) => async (id: number) =>
  orm
    .select()
    .from(users)
    .where(and(eq(users.id, id), isActive));
const locked = (tx: Orm) => async (id: number) =>
  tx
    .select()
    .from(users)
    .where(and(eq(users.id, id), isActive))
    .for("no key update");

/** Returns the person of a ticket who may still use it. @throws {Refusal} link_invalid. */
async function ownerOf(
  { userId, kind, address }: Ticket,
  read: (id: number) => Promise<User[]>,
): Promise<User & { readonly email: string }> {
  const [user] = await read(userId);
  if (!user?.email || (kind !== "change" && user.email !== address)) throw linkInvalid();
  return { ...user, email: user.email };
}

/**
 * Locks the person of a ticket, and uses it up. In this order, as a change of the password does, so that neither waits for the
 * other for ever.
 */
async function claim(tx: Orm, token: string, kinds: readonly TicketKind[]) {
  const user = await ownerOf(await readTicket(tx, token, kinds), locked(tx));
  return { user, ticket: await useTicket(tx, token, kinds) };
}

async function verifyWith(tx: Orm, token: string, send: (mail: Wanted) => Promise<boolean>) {
  const { user, ticket } = await claim(tx, token, VERIFYING);
  const { userId, address: email, kind } = ticket;
  if (kind === "change") {
    const [other] = await tx.select({ id: users.id }).from(users).where(eq(users.email, email));
    if (other && other.id !== userId) throw new Refusal("email_taken");
    await voidTickets(tx, userId, ["reset"]);
    await send({ kind: "moved", address: user.email, userId });
  }
  await tx
    .update(users)
    .set({ email, verifiedAt: sql`clock_timestamp()` })
    .where(eq(users.id, userId));
  await voidTickets(tx, userId, VERIFYING);
  await beginDigests(tx, userId);
  return { user, ticket };
}

/** From now on, messages are mailed to someone, unless they have said that they do not want that. */
const beginDigests = (orm: Orm, userId: number) =>
  orm.insert(digests).values({ userId }).onConflictDoNothing();

/** Messages of the time when they were off are not mailed. */
const setDigests = (orm: Orm, userId: number, off: boolean) =>
  orm
    .insert(digests)
    .values({ userId, off })
    .onConflictDoUpdate({
      target: digests.userId,
      set: { off, ...(!off && { upto: sql`clock_timestamp()`, dueAt: sql`clock_timestamp()` }) },
    });

function addressed(user: User): User & { readonly email: string } {
  if (user.email === null)
    throw new Refusal("forbidden", {
      detail: "This account has no email address here. Use your identity provider.",
    });
  return { ...user, email: user.email };
}
