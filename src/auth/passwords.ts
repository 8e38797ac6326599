import { Refusal } from "../errors.ts";
import { text } from "../protocol/text.ts";

/** What a new password has to be. */
export const newPassword = text({ min: 8, max: 256 });

/** A password that is only compared: whatever was once accepted. */
export const givenPassword = text({ max: 256 });

/** OWASP's parameters for argon2id: 19 MiB, two passes; Bun's parallelism is always 1. */
const ARGON2ID = { algorithm: "argon2id", memoryCost: 19 * 1024, timeCost: 2 } as const;

/** The hash of a password that nobody has, made with the same parameters: comparing with it takes the same time. */
const NOBODYS =
  "$argon2id$v=19$m=19456,t=2,p=1$zaPI1aVEvBFFtvMthRsGs0fuAx1mORGQWhO1u7TATts$WCWKW02d+FpyEGUAz/V301PML88vbuOQ8wWPA2vx0Bg";

const QUEUE_MAX = 64;

export interface Passwords {
  /** @throws {Refusal} busy where too many wait already. */
  hash(password: string): Promise<string>;
  /**
   * Whether the password is the hash's. Without a hash (no such account, or one without a password) the answer is
   * false and takes as long. `admit` runs when the turn has come, before the work: what it throws ends the attempt.
   * @throws {Refusal} busy where too many wait already.
   */
  verify(password: string, hash: string | null | undefined, admit?: () => Promise<void>): Promise<boolean>;
}

/** Hashing for the operator's commands, which wait for nobody. */
export const hashPassword = (password: string) => Bun.password.hash(password, ARGON2ID);

/** Hashes and compares at most `parallel` passwords at a time, off the main thread; 64 more wait. */
export function createPasswords({ parallel }: { parallel: number }): Passwords {
  const waiting: (() => void)[] = [];
  let running = 0;

  async function turn<T>(work: () => Promise<T>): Promise<T> {
    if (running < parallel) running++;
    else {
      if (waiting.length >= QUEUE_MAX) throw busy();
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next)
        next(); // takes over this place, so `running` stays
      else running--;
    }
  }

  return {
    hash: (password) => turn(() => hashPassword(password)),
    verify: (password, hash, admit) =>
      turn(async () => {
        await admit?.();
        const matches = await Bun.password.verify(password, hash ?? NOBODYS);
        return matches && hash != null;
      }),
  };
}

/** Spread out, so that those who are turned away do not come back together. */
const busy = () => new Refusal("busy", { retryAfterMs: 2000 + Math.floor(Math.random() * 3000) });
