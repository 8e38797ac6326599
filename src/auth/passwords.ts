import { Refusal } from "../errors.ts";
import { text } from "../protocol/text.ts";

/** The rules for a new password. */
export const newPassword = text({ min: 8, max: 256 });

/** A password to compare. The rules for new passwords do not apply. */
export const givenPassword = text({ max: 256 });

/** OWASP's parameters for argon2id: 19 MiB, two passes. Bun's parallelism is always 1. */
const ARGON2ID = { algorithm: "argon2id", memoryCost: 19 * 1024, timeCost: 2 } as const;

/** The hash of an unknown password. */
const DUMMY_HASH =
  "$argon2id$v=19$m=19456,t=2,p=1$zaPI1aVEvBFFtvMthRsGs0fuAx1mORGQWhO1u7TATts$WCWKW02d+FpyEGUAz/V301PML88vbuOQ8wWPA2vx0Bg";

if (!DUMMY_HASH.startsWith(`$argon2id$v=19$m=${ARGON2ID.memoryCost},t=${ARGON2ID.timeCost},p=1$`))
  throw new Error("comparing with the dummy hash must take as long as with a real one");

const QUEUE_MAX = 64;

export interface Passwords {
  /** @throws {Refusal} busy if the queue is full. */
  hash(password: string): Promise<string>;
  /**
   * Resolves true if the password matches the hash. Without a hash (no such account, or no password),
   * resolves false after the same time. `admit` runs when the attempt leaves the queue, before the
   * comparison; if it throws, the attempt fails with its error.
   * @throws {Refusal} busy if the queue is full.
   */
  verify(password: string, hash: string | null | undefined, admit?: () => Promise<void>): Promise<boolean>;
}

/** Hashes a password without queueing, for the operator's commands. */
export const hashPassword = (password: string) => Bun.password.hash(password, ARGON2ID);

/** Hashes and compares at most `parallel` passwords at a time, off the main thread. Up to 64 more wait. */
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
        next(); // takes over this slot, so `running` does not change
      else running--;
    }
  }

  return {
    hash: (password) => turn(() => hashPassword(password)),
    verify: (password, hash, admit) =>
      turn(async () => {
        await admit?.();
        const matches = await Bun.password.verify(password, hash ?? DUMMY_HASH);
        return matches && hash != null;
      }),
  };
}

/** Jittered, so that rejected clients do not all retry at once. */
const busy = () => new Refusal("busy", { retryAfterMs: 2000 + Math.floor(Math.random() * 3000) });
