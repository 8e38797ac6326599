import { eq } from "drizzle-orm";
import type { Pool } from "../db/database.ts";
import { users } from "../db/schema.ts";
import { Refusal } from "../errors.ts";
import type { Identity } from "../identity.ts";
import type { Facts, Origin, SecurityLog } from "../security.ts";
import type { Attempts } from "./attempts.ts";
import type { Passwords, Verdict } from "./passwords.ts";
import type { Groups } from "../limits/queue.ts";
import type { User } from "./users.ts";

export interface Credentials {
  /** In canonical form: see emails.ts. */
  readonly email: string;
  readonly password: string;
}

/** Compares passwords, subject to the limits on guessing. */
export interface Confirming {
  /**
   * Compares a password with the person's. `load` reads the person before the attempt queues, so that a stalled database
   * holds up nobody's turn. @throws {Refusal} rate_limited, busy.
   */
  verify(
    credentials: Credentials,
    load: () => Promise<User | undefined>,
    origin: Origin,
    session?: string,
  ): Promise<Verdict & { readonly user: User | undefined; readonly groups: Groups }>;
  /** Verifies the password of somebody who is signed in. @throws {Refusal} invalid, forbidden, rate_limited, busy. */
  confirm(who: Identity, password: string, origin: Origin): Promise<{ user: User; groups: Groups }>;
}

interface ConfirmingParts {
  readonly pool: Pool;
  readonly passwords: Passwords;
  readonly attempts: Attempts;
  readonly security: Pick<SecurityLog, "record">;
}

export function createConfirming({ pool, passwords, attempts, security }: ConfirmingParts): Confirming {
  const verify: Confirming["verify"] = async ({ email, password }, load, origin, session) => {
    const who = [email, origin.address, session] as const;
    let user: User | undefined;
    const admit = () =>
      attempts.admit(...who).catch((error: unknown) => {
        security.record("login.limit", { ...factsOf(user), origin });
        throw error;
      });
    const groups = await admit();
    user = await load();
    const verdict = await passwords.verify(password, user?.passwordHash, groups, admit);
    await (verdict.matches ? attempts.succeeded(...who) : attempts.failed(...who));
    return { user, groups, ...verdict };
  };
  return {
    verify,
    async confirm(who, password, origin) {
      const { email } = await userOf(pool, who);
      if (!email)
        throw new Refusal("forbidden", {
          detail: "This account has no password here. Use your identity provider.",
        });
      const load = () => userOf(pool, who);
      const session = who.sessionId ?? undefined;
      const { user, matches, groups } = await verify({ email, password }, load, origin, session);
      if (matches && user) return { user, groups };
      security.record("password.fail", { ...factsOf(user), origin });
      throw wrongPassword();
    },
  };
}

/** @throws {Refusal} account_disabled. */
export async function userOf(pool: Pool, { userId }: Pick<Identity, "userId">): Promise<User> {
  const [user] = await pool.run((orm) => orm.select().from(users).where(eq(users.id, userId)));
  if (!user) throw new Refusal("account_disabled");
  return user;
}

export const factsOf = (user: User | undefined): Facts => ({ userId: user?.id, username: user?.username });

export const wrongPassword = () =>
  new Refusal("invalid", { errors: { password: ["is not the current password"] } });
