import { and, eq } from "drizzle-orm";
import type { Clock } from "../clock.ts";
import type { Pool } from "../db/database.ts";
import { users } from "../db/schema.ts";
import { Refusal } from "../errors.ts";
import type { Identity } from "../identity.ts";
import { type Named, personOf } from "../person.ts";
import type { Origin, SecurityLog } from "../security.ts";
import type { Attempts } from "./attempts.ts";
import { type Confirming, type Credentials, factsOf, userOf, wrongPassword } from "./confirming.ts";
import { createUser, deleteUser } from "./erasure.ts";
import { checkLink, useLink } from "./links.ts";
import { type Profiled, setProfile } from "./people.ts";
import { noPost, type Post } from "./post.ts";
import type { Passwords } from "./passwords.ts";
import type { Sessions, TokenPair } from "./sessions.ts";
import { isYoung, revokeSessions } from "./sessionstore.ts";
import type { Logins } from "./standing.ts";
import { voidTickets } from "./tickets.ts";
import { namesFor } from "./usernames.ts";
import type { User } from "./users.ts";
import { weaknessOf } from "./weak.ts";

export interface Registration extends Credentials {
  readonly username?: string | undefined;
  /** The token of a registration link. Ignored unless registration is by invitation. */
  readonly invite?: string | undefined;
}

export interface SignedIn extends TokenPair {
  readonly email: string;
  readonly username: string;
}

export interface Profile extends Named {
  /** The address of a picture. */
  readonly picture: string | null;
  /** Null for outside identities. */
  readonly email: string | null;
  readonly createdAt: string;
}

/** Accounts with email and password. Callers validate inputs: see emails.ts, usernames.ts, passwords.ts. */
export interface Accounts {
  /**
   * Creates an account and opens a session. Derives the username from the email if none is given.
   * @throws {Refusal} registration_off, invite_required, invite_invalid, invalid (a weak password), email_taken,
   * username_taken, rate_limited, busy.
   */
  register(input: Registration, origin: Origin): Promise<SignedIn>;
  /** @throws {Refusal} invalid_credentials, account_disabled (if the password fits), rate_limited, busy. */
  login(credentials: Credentials, origin: Origin): Promise<SignedIn>;
  /** Returns a pseudonym of an account that has logged in from this network lately; undefined for any other. */
  knownAs(email: string, address: string): Promise<string | undefined>;
  me(who: Identity): Promise<Profile>;
  /**
   * Sets the display name and the picture. What is undefined stays, and null takes it away. The person's next token has them.
   * @throws {Refusal} forbidden for outside identities, whose tokens say what they are called.
   */
  setProfile(who: Identity, profile: Omit<Profiled, "username">): Promise<Profile>;
  /**
   * Changes the password and ends the person's other sessions.
   * @throws {Refusal} invalid (wrong or weak password), forbidden (the account has no password), rate_limited, busy.
   */
  changePassword(who: Identity, change: { password: string; next: string }, origin: Origin): Promise<void>;
  /**
   * Deletes the account, and ends its sessions. It is erased later, and until then an operator can restore it: see
   * erasure.ts. Requires the password, or a login in the last ten minutes.
   * @throws {Refusal} reauthentication_required; with a password: invalid (it is wrong), forbidden (the account has
   * none), rate_limited, busy.
   */
  remove(who: Identity, password: string | undefined, origin: Origin): Promise<void>;
}

interface AccountsOptions {
  readonly pool: Pool;
  readonly passwords: Passwords;
  readonly attempts: Attempts;
  readonly confirming: Confirming;
  readonly sessions: Sessions;
  readonly standing: Logins;
  readonly registration: "open" | "invite" | "off";
  readonly security: Pick<SecurityLog, "record">;
  readonly clock: Clock;
  readonly erasureKey: string;
  /** Undefined: this server sends no mails. */
  readonly post: Post | undefined;
}

/** How old a login may be for an act that cannot be undone. */
const RECENT_MS = 10 * 60_000;

export function createAccounts(options: AccountsOptions): Accounts {
  const { pool, passwords, attempts, standing, security } = options;
  const { verify, confirm } = options.confirming;
  const { post = noPost } = options;

  /** Opens a session; undefined if the user has changed since their password was verified. */
  async function signIn(user: User, email: string, origin: Origin): Promise<SignedIn | undefined> {
    const pair = await options.sessions.open(user, origin);
    return pair && { ...pair, email, username: user.username };
  }

  /** Whether somebody has logged in within the last ten minutes, by the database's clock or their provider's. */
  async function isRecent({ sessionId, loggedInAt = 0 }: Identity): Promise<boolean> {
    // A time in the future, such as one in milliseconds, is no recent one.
    if (sessionId === null) return Math.abs(options.clock.now() - loggedInAt) <= RECENT_MS;
    return pool.run((orm) => isYoung(orm, sessionId, RECENT_MS));
  }

  /** Stores the new hash of an unchanged password, unless it was changed at the same time. */
  const renewHash = ({ id, passwordHash }: User, renewed: string) =>
    pool.run((orm) =>
      orm
        .update(users)
        .set({ passwordHash: renewed })
        .where(and(eq(users.id, id), eq(users.passwordHash, passwordHash ?? ""))),
    );

  return {
    async register({ email, password, username, invite }, origin) {
      const { address } = origin;
      if (options.registration === "off") throw new Refusal("registration_off");
      const fault = weaknessOf(password, email, username);
      if (fault) throw new Refusal("invalid", { errors: { password: [fault] } });
      options.sessions.canSign();
      const link = options.registration === "invite" ? await checkLink(pool, invite) : undefined;
      const groups = await attempts.registering(email, address, link);
      const passwordHash = await passwords.hash(password, groups);
      const names = username ? [username] : namesFor(email);
      const user = await post.transaction(pool, async (tx, send) => {
        const made = await createUser(tx, { email, passwordHash }, names, options.erasureKey);
        if (typeof made === "string") return made;
        if (link !== undefined) await useLink(tx, link, made.id);
        await send({ kind: "verify", address: email, userId: made.id });
        return made;
      });
      if (user === "values taken") throw taken("email_taken", "email");
      if (user === "names taken") throw taken("username_taken", "username");
      const about = { ...factsOf(user), origin };
      if (link !== undefined) security.record("link.use", about);
      security.record("account.create", about);
      await attempts.succeeded(email, address);
      const signedIn = await signIn(user, email, origin);
      if (!signedIn) throw new Refusal("account_disabled");
      return signedIn;
    },
    async login(credentials, origin) {
      const { email } = credentials;
      const load = async () =>
        (await pool.run((orm) => orm.select().from(users).where(eq(users.email, email))))[0];
      for (;;) {
        const { user, matches, renewed } = await verify(credentials, load, origin);
        const about = { ...factsOf(user), origin };
        const refuse = (code: "invalid_credentials" | "account_disabled") => {
          security.record("login.fail", about);
          return new Refusal(code);
        };
        if (!matches || !user) throw refuse("invalid_credentials");
        if (user.disabledAt || user.deletedAt) throw refuse("account_disabled");
        const signedIn = await signIn(user, email, origin);
        // Their password or their hash changed after it was read: look again.
        if (!signedIn) continue;
        if (renewed) await renewHash(user, renewed);
        security.record("login.succeed", about);
        return signedIn;
      }
    },
    knownAs: attempts.knownAs,
    async me(who) {
      return profileOf(await userOf(pool, who));
    },
    async setProfile(who, profile) {
      const user = await userOf(pool, who);
      if (user.issuer !== null)
        throw new Refusal("forbidden", {
          detail: "Your name and picture come from your identity provider. Change them there.",
        });
      return profileOf(await setProfile(pool, user, profile, new Date(options.clock.now())));
    },
    async changePassword(who, { password, next }, origin) {
      const { user, groups } = await confirm(who, password, origin);
      const fault = weaknessOf(next, user.email ?? "", user.username);
      if (fault) throw new Refusal("invalid", { errors: { new: [fault] } });
      const newHash = await passwords.hash(next, groups);
      const ended = await post.transaction(pool, async (tx, send) => {
        const changed = await tx
          .update(users)
          .set({ passwordHash: newHash })
          .where(and(eq(users.id, who.userId), eq(users.passwordHash, user.passwordHash ?? "")))
          .returning({ id: users.id });
        if (changed.length === 0) throw wrongPassword(); // another request changed it first
        // Whoever knew the old password may have asked for another address.
        await voidTickets(tx, who.userId, ["reset", "change"]);
        if (user.email) await send({ kind: "password", address: user.email, userId: who.userId });
        return revokeSessions(tx, who.userId, who.sessionId);
      });
      security.record("password.change", { ...factsOf(user), origin, sessions: ended.length });
      if (ended.length > 0) standing.end({ userId: who.userId, sessionIds: ended, reason: "session_ended" });
    },
    async remove(who, password, origin) {
      const { userId, username } = who;
      if (password !== undefined) await confirm(who, password, origin);
      else if (!(await isRecent(who))) throw new Refusal("reauthentication_required");
      const isNew = await pool.run((orm) => orm.transaction((tx) => deleteUser(tx, userId)));
      if (isNew) security.record("account.delete", { userId, username, origin });
      standing.end({ userId, sessionIds: null, reason: "account_disabled" });
    },
  };
}

const profileOf = (user: User): Profile => ({
  username: user.username,
  user: personOf(user),
  picture: user.picture,
  email: user.email,
  createdAt: user.createdAt.toISOString(),
});

const taken = (code: "email_taken" | "username_taken", field: string) =>
  new Refusal(code, { errors: { [field]: ["is taken"] } });
