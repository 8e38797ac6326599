import { Refusal } from "../../src/errors.ts";
import type { Identity } from "../../src/identity.ts";
import type { Schedule } from "./schedule.ts";
import { EPOCH_MS } from "./schedule.ts";

/** The tokens that products have issued, which every node can verify. */
export interface Tokens {
  issue(identity: Identity): string;
  /** @throws {Refusal} `token_invalid`, `token_expired`. */
  verify(token: string): Identity;
  /** When a token was issued and when it expires, in virtual milliseconds. */
  lifeOf(token: string): { readonly from: number; readonly to: number } | undefined;
}

export function createTokens(schedule: Pick<Schedule, "now">): Tokens {
  const issued = new Map<string, { readonly identity: Identity; readonly from: number }>();
  return {
    issue(identity) {
      const token = `e30.${issued.size + 1}.${identity.username}`;
      issued.set(token, { identity, from: schedule.now });
      return token;
    },
    verify(token) {
      const { identity } = issued.get(token) ?? {};
      if (!identity) throw new Refusal("token_invalid");
      if (identity.expiresAt <= EPOCH_MS + schedule.now) throw new Refusal("token_expired");
      return identity;
    },
    lifeOf(token) {
      const found = issued.get(token);
      return found && { from: found.from, to: found.identity.expiresAt - EPOCH_MS };
    },
  };
}
