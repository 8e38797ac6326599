import { hash } from "node:crypto";
import { Refusal } from "../errors.ts";
import type { Count, LimiterStore } from "../limits/limiter.ts";
import { networkOf, PER_SITE, siteOf } from "../limits/network.ts";
import type { Groups } from "../limits/queue.ts";

const MINUTE = 60_000;
/** Multiple of `rate`: failed logins per address over all accounts. Many people can share one address. */
const PER_ADDRESS = 10;
/** Multiple of `rate`: an account with this many failed logins, from any addresses, is under attack. */
const UNDER_ATTACK = 10;
/** Failed logins per address at an account under attack: slows many guessers, allows its owner a typo. */
const LEFT_UNDER_ATTACK = 3;
/** Logins that succeed in 15 minutes, per account and per address. */
const SUCCESSES = { account: 100, address: 3000 } as const;
/** Registrations in an hour, per address, and with one registration link, which lets a single one succeed. */
const REGISTRATIONS = { address: 300, link: 30 } as const;
/** How long an account is known to log in from a network, after the first of its logins. */
const KNOWN_MS = 7 * 24 * 60 * MINUTE;

/**
 * Limits on logging in, guessing passwords and registering. Somebody who is signed in and gives their password again names
 * their `session`: then its attempts count, and those of others at their address do not.
 */
export interface Attempts {
  /**
   * Returns the groups in which this attempt waits for its turn: see queue.ts. Accounts that have logged in from this
   * network lately, all others, and registrations take turns, so that strangers cannot crowd them out.
   * @throws {Refusal} rate_limited if this address has failed too often, at this account or in total, or has succeeded
   * too often.
   */
  admit(email: string, address: string, session?: string): Promise<Groups>;
  /** Returns the hash of an email address that has logged in from this network lately; undefined for any other. */
  knownAs(email: string, address: string): Promise<string | undefined>;
  failed(email: string, address: string, session?: string): Promise<void>;
  succeeded(email: string, address: string, session?: string): Promise<void>;
  /**
   * Counts a registration. Returns its groups. With a valid `link`, the registrations with that count, and those of others
   * at its address do not.
   * @throws {Refusal} rate_limited if this address, or the owner of the link, has made too many.
   */
  registering(email: string, address: string, link?: string): Promise<Groups>;
}

/**
 * Allows `rate` failed logins in 15 minutes per account and address; 0 turns off all limits. Failures at an
 * account never close it to addresses that have not failed, so nobody can lock its owner out. Failures from an
 * address do not close it to accounts that have logged in from there, so nobody can lock their neighbours out.
 */
export function createAttempts({ rate, limiters }: { rate: number; limiters: LimiterStore }): Attempts {
  const pairs = limiters({ name: "login-pair", windowMs: 15 * MINUTE });
  const accounts = limiters({ name: "login-account", windowMs: 15 * MINUTE });
  const addresses = limiters({ name: "login-address", windowMs: 15 * MINUTE });
  const successes = limiters({ name: "login-success", windowMs: 15 * MINUTE });
  const known = limiters({ name: "login-known", windowMs: KNOWN_MS });
  const registrations = limiters({ name: "register", windowMs: 60 * MINUTE });

  // Hash emails, because a limiter may store its keys outside this process.
  const keysOf = (email: string, address: string, session?: string) => {
    const account = hash("sha256", email, "base64url");
    const network = networkOf(address);
    const pair = `${account} ${session ?? network}`;
    return { account, network, site: siteOf(address), pair, own: session ?? account };
  };

  type Keys = ReturnType<typeof keysOf>;
  const groupsOf = (kind: "known" | "strange" | "registering", { site, network, own }: Keys): Groups => [
    kind,
    site,
    network,
    own,
  ];

  const check = ({ count, resetMs }: Count, allowed: number) => {
    if (count >= allowed) throw limited(resetMs);
  };

  return {
    async admit(email, address, session) {
      const keys = keysOf(email, address, session);
      const { account, network, site, pair } = keys;
      const [before, byPair, byAccount, byAddress, bySite, ofAccount, ofAddress] = await Promise.all([
        known.peek(pair),
        pairs.peek(pair),
        accounts.peek(account),
        addresses.peek(network),
        addresses.peek(site),
        successes.peek(keys.own),
        successes.peek(network),
      ]);
      const isKnown = session !== undefined || before.count > 0;
      const groups = groupsOf(isKnown ? "known" : "strange", keys);
      if (rate === 0) return groups;
      const allowed = byAccount.count < rate * UNDER_ATTACK ? rate : Math.min(rate, LEFT_UNDER_ATTACK);
      check(byPair, allowed);
      check(ofAccount, SUCCESSES.account);
      if (isKnown) return groups;
      check(byAddress, rate * PER_ADDRESS);
      if (site !== network) check(bySite, rate * PER_ADDRESS * PER_SITE);
      check(ofAddress, SUCCESSES.address);
      return groups;
    },
    async knownAs(email, address) {
      const { account, pair } = keysOf(email, address);
      return (await known.peek(pair)).count > 0 ? account : undefined;
    },
    async failed(email, address, session) {
      if (rate === 0) return;
      const { account, network, site, pair } = keysOf(email, address, session);
      await Promise.all([
        pairs.count(pair),
        accounts.count(account),
        addresses.count(network),
        site !== network && addresses.count(site),
      ]);
    },
    async succeeded(email, address, session) {
      const { network, pair, own } = keysOf(email, address, session);
      if (session === undefined) await known.count(pair);
      if (rate > 0) await Promise.all([pairs.forget(pair), successes.count(own), successes.count(network)]);
    },
    async registering(email, address, link) {
      const keys = keysOf(email, address);
      const { network, site } = keys;
      if (rate > 0 && link !== undefined) {
        check(await registrations.count(hash("sha256", link, "base64url")), REGISTRATIONS.link + 1);
      } else if (rate > 0) {
        if (site !== network) check(await registrations.count(site), REGISTRATIONS.address * PER_SITE + 1);
        check(await registrations.count(network), REGISTRATIONS.address + 1);
      }
      return groupsOf("registering", keys);
    },
  };
}

const limited = (retryAfterMs: number) => new Refusal("rate_limited", { retryAfterMs });
