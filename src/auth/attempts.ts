import { hash } from "node:crypto";
import { Refusal } from "../errors.ts";
import type { LimiterStore } from "../limiter.ts";
import { networkOf } from "../network.ts";

const MINUTE = 60_000;
/** Multiple of `rate`: failed logins per address over all accounts. Many people can share one address. */
const PER_ADDRESS = 10;
/** Multiple of `rate`: an account with this many failed logins, from any addresses, is under attack. */
const UNDER_ATTACK = 10;
/** Failed logins per address at an account under attack: slows many guessers, allows its owner a typo. */
const LEFT_UNDER_ATTACK = 3;
const REGISTRATIONS_AN_HOUR = 100;

/** Limits on guessing passwords and on registering. */
export interface Attempts {
  /** @throws {Refusal} rate_limited if this address has failed too often, at this account or in total. */
  admit(email: string, address: string): Promise<void>;
  failed(email: string, address: string): Promise<void>;
  succeeded(email: string, address: string): Promise<void>;
  /** Counts a registration. @throws {Refusal} rate_limited if this address has made too many. */
  registering(address: string): Promise<void>;
}

/**
 * Allows `rate` failed logins in 15 minutes per account and address; 0 turns off all limits. Failures at an
 * account never close it to addresses that have not failed, so nobody can lock its owner out.
 */
export function createAttempts({ rate, limiters }: { rate: number; limiters: LimiterStore }): Attempts {
  const pairs = limiters({ name: "login-pair", windowMs: 15 * MINUTE });
  const accounts = limiters({ name: "login-account", windowMs: 15 * MINUTE });
  const addresses = limiters({ name: "login-address", windowMs: 15 * MINUTE });
  const registrations = limiters({ name: "register", windowMs: 60 * MINUTE });

  // Hash emails, because a limiter may store its keys outside this process.
  const keysOf = (email: string, address: string) => {
    const account = hash("sha256", email, "base64url");
    const network = networkOf(address);
    return { account, network, pair: `${account} ${network}` };
  };

  return {
    async admit(email, address) {
      if (rate === 0) return;
      const { account, network, pair } = keysOf(email, address);
      const [byPair, byAccount, byAddress] = await Promise.all([
        pairs.peek(pair),
        accounts.peek(account),
        addresses.peek(network),
      ]);
      const allowed = byAccount.count < rate * UNDER_ATTACK ? rate : Math.min(rate, LEFT_UNDER_ATTACK);
      if (byPair.count >= allowed) throw limited(byPair.resetMs);
      if (byAddress.count >= rate * PER_ADDRESS) throw limited(byAddress.resetMs);
    },
    async failed(email, address) {
      if (rate === 0) return;
      const { account, network, pair } = keysOf(email, address);
      await Promise.all([pairs.count(pair), accounts.count(account), addresses.count(network)]);
    },
    async succeeded(email, address) {
      if (rate > 0) await pairs.forget(keysOf(email, address).pair);
    },
    async registering(address) {
      if (rate === 0) return;
      const { count, resetMs } = await registrations.count(networkOf(address));
      if (count > REGISTRATIONS_AN_HOUR) throw limited(resetMs);
    },
  };
}

const limited = (retryAfterMs: number) => new Refusal("rate_limited", { retryAfterMs });
