import * as v from "valibot";
import { text } from "../protocol/text.ts";
import { createFairQueue, type Groups } from "../limits/queue.ts";

const PASSWORD_MAX = 256;

/** NFC, so that a password is the same from every keyboard. Call it on bounded text: its cost can be quadratic. */
const canonical = (password: string) => password.normalize("NFC");

/** Parses a new password into its canonical form. See weak.ts for what it must not be. */
export const newPassword = v.pipe(text({ min: 8, max: PASSWORD_MAX }), v.transform(canonical));

/** The repetition of a new password. Its only possible fault is that it differs from the password. */
export const repeatedPassword = v.pipe(
  v.string("must be a string"),
  v.transform((password) => (password.length > 2 * PASSWORD_MAX ? password : canonical(password))),
);

/** A password to compare, as it was given. The rules for new passwords do not apply. */
export const givenPassword = text({ max: PASSWORD_MAX });

/** The cost of a hash: memory in KiB, and passes. */
export interface HashCost {
  readonly memoryCost: number;
  readonly timeCost: number;
}

/** OWASP's parameters for argon2id: 19 MiB, two passes. Bun's parallelism is always 1. */
const COST: HashCost = { memoryCost: 19 * 1024, timeCost: 2 };

/** The hash of an unknown password. */
const DUMMY_HASH =
  "$argon2id$v=19$m=19456,t=2,p=1$zaPI1aVEvBFFtvMthRsGs0fuAx1mORGQWhO1u7TATts$WCWKW02d+FpyEGUAz/V301PML88vbuOQ8wWPA2vx0Bg";

const prefixOf = ({ memoryCost, timeCost }: HashCost) => `$argon2id$v=19$m=${memoryCost},t=${timeCost},p=1$`;

if (!DUMMY_HASH.startsWith(prefixOf(COST)))
  throw new Error("comparing with the dummy hash must take as long as with a real one");

/** How many wait in total, and of one account from one network. */
const QUEUE_MAX = 128;
const QUEUE_SHARE = 16;

/** The result of a comparison. */
export interface Verdict {
  readonly matches: boolean;
  /** A new hash to store, if the old one no longer meets the rules. */
  readonly renewed?: string | undefined;
}

/** Hashes and compares passwords. `groups` say who waits: see queue.ts. */
export interface Passwords {
  /** @throws {Refusal} busy, rate_limited. */
  hash(password: string, groups: Groups): Promise<string>;
  /**
   * Compares a password with a hash. Without one (no such account, or no password), it does not match, after the same
   * time. `admit` runs when the attempt leaves the queue; if it throws, the attempt fails with its error.
   * @throws {Refusal} busy, rate_limited.
   */
  verify(
    password: string,
    hash: string | null | undefined,
    groups: Groups,
    admit?: () => Promise<unknown>,
  ): Promise<Verdict>;
}

/** Hashes a password without queueing, for the operator's commands. */
export const hashPassword = (password: string, cost = COST) =>
  Bun.password.hash(canonical(password), { algorithm: "argon2id", ...cost });

/** Hashes and compares at most `parallel` passwords at a time, off the main thread. The others wait in a fair queue. */
export function createPasswords({ parallel, cost = COST }: { parallel: number; cost?: HashCost }): Passwords {
  const queue = createFairQueue({ parallel, max: QUEUE_MAX, share: QUEUE_SHARE });

  return {
    hash: (password, groups) => queue.run(groups, () => hashPassword(password, cost)),
    verify: (password, hash, groups, admit) =>
      queue.run(groups, async () => {
        await admit?.();
        const compare = (text: string) => Bun.password.verify(text, hash ?? DUMMY_HASH);
        const normal = canonical(password);
        const isCurrent = await compare(normal);
        // Hashes from before passwords were normalised are of the text as it was given.
        const matches = isCurrent || (normal !== password && (await compare(password)));
        if (!matches || hash == null) return { matches: false };
        const renewed =
          isCurrent && hash.startsWith(prefixOf(cost)) ? undefined : await hashPassword(normal, cost);
        return { matches, renewed };
      }),
  };
}
