import { hash, timingSafeEqual } from "node:crypto";
import type { Clock } from "../clock.ts";
import type { Pool } from "../db/database.ts";
import { Refusal } from "../errors.ts";
import { type LimiterStore, NONE } from "../limits/limiter.ts";
import { createLookup } from "../lookup.ts";
import { networkOf, PER_SITE, siteOf } from "../limits/network.ts";
import type { Order } from "../order.ts";
import type { Origin, SecurityLog } from "../security.ts";
import { insertApiKey, readApiKeys, touchApiKey } from "./apikeystore.ts";

/** The name of the operator's token that comes from the configuration. */
export const CONFIGURED = "ADMIN_TOKEN";

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const PREFIX = "parley_";
const RANDOM_DIGITS = 32;
const FORM = /^parley_([0-9A-Za-z]{32})([0-9A-Za-z]{6})$/;
const NAME = /^[A-Za-z0-9][\w.-]{0,63}$/;

/** How long a lookup of a key is cached, and so how long a revoked key still works, in milliseconds. */
const TTL_MS = 2000;
/** How many keys are remembered as good before. */
const GOOD_MAX = 1000;
const CACHE_MAX = 1000;
const BATCH_MAX = 100;
const WINDOW_MS = 15 * 60_000;
/** How exactly the last use of a key is known, in milliseconds. */
const USED_MS = 60_000;

/**
 * Creates an operator's key and returns its token, which nothing else ever returns: `parley_`, 32 random digits of
 * base 62 and a checksum of six.
 * @throws {Refusal} invalid if the name is not 1 to 64 letters, digits, _, - or ., or is taken.
 */
export async function createApiKey(pool: Pool, name: string, order: Order): Promise<string> {
  if (!NAME.test(name) || name.toUpperCase() === CONFIGURED) {
    const rule = "must be 1 to 64 letters, digits, _, - or ., and must not be ADMIN_TOKEN";
    throw new Refusal("invalid", { detail: `The name ${rule}.`, errors: { name: [rule] } });
  }
  const token = newToken();
  await insertApiKey(pool, name, hashOf(token), order);
  return token;
}

export function newToken(): string {
  // 62 × 4 = 248: the bytes above would make some digits likelier than others.
  const fair = (): string => {
    const bytes = crypto.getRandomValues(new Uint8Array(2 * RANDOM_DIGITS)).filter((byte) => byte < 248);
    return bytes.length < RANDOM_DIGITS
      ? fair()
      : Array.from(bytes.subarray(0, RANDOM_DIGITS), (byte) => DIGITS[byte % 62]).join("");
  };
  const random = fair();
  return `${PREFIX}${random}${checksum(random)}`;
}

/** Whether a token has the form of a key, and a checksum that fits. Finds typing errors without the database. */
export function isWellFormed(token: string): boolean {
  const [, random, sum] = FORM.exec(token) ?? [];
  return random !== undefined && checksum(random) === sum;
}

function checksum(text: string): string {
  let rest = Bun.hash.crc32(text);
  let digits = "";
  for (let at = 0; at < 6; at++) {
    digits = DIGITS[rest % 62] + digits;
    rest = Math.floor(rest / 62);
  }
  return digits;
}

const hashOf = (token: string) => hash("sha256", token, "base64url");

/** Who an operator's token belongs to. */
export interface ApiKeys {
  /**
   * Returns the name of the key with that token, or `ADMIN_TOKEN`.
   * @throws {Refusal} token_invalid; rate_limited if this network has given too many wrong tokens; the database's
   * errors if a key cannot be looked up.
   */
  identify(token: string, origin: Origin): Promise<string>;
  /**
   * Whether a token can be identified without a look-up, or was good before. Networks that have spent their budget for
   * strangers can use only these. Tokens that do not look like a key have the limit of `identify` instead, whatever the
   * budget: otherwise ADMIN_TOKEN alone would be accepted then, so that nothing would count the guesses.
   */
  knows(token: string): boolean;
  /** Forgets what is known of keys, because one was revoked. */
  forget(): void;
}

interface ApiKeysOptions {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly limiters: LimiterStore;
  readonly security: Pick<SecurityLog, "record">;
  /** The value of `ADMIN_TOKEN`. */
  readonly configured: string | undefined;
  /** How many wrong tokens a network may give in 15 minutes; 0 turns the limit off. */
  readonly rate: number;
}

/**
 * A network that gave too many wrong tokens may not use `ADMIN_TOKEN` for a while, because a person chose it and
 * others may guess it. Nobody guesses a key, so keys always work.
 */
export function createApiKeys(options: ApiKeysOptions): ApiKeys {
  const { pool, clock, limiters, security, configured, rate } = options;
  const wrong = limiters({ name: "operator-address", windowMs: WINDOW_MS });
  const configuredHash = configured === undefined ? undefined : Buffer.from(hashOf(configured));
  const names = createLookup<string, string | null>({
    clock,
    ttlMs: TTL_MS,
    max: CACHE_MAX,
    batch: BATCH_MAX,
    idOf: (key) => key,
    read: (hashes) => pool.run((orm) => readApiKeys(orm, hashes)),
  });
  const usedAt = new Map<string, number>();
  /** The hashes of keys that were good when they were last shown. */
  const good = new Set<string>();

  const noteUse = (name: string) => {
    const now = clock.monotonic();
    if (now - (usedAt.get(name) ?? -Infinity) < USED_MS) return;
    usedAt.set(name, now);
    // A key works even while its use cannot be noted.
    void pool.run((orm) => touchApiKey(orm, name, USED_MS)).catch(() => usedAt.delete(name));
  };

  const isConfigured = (token: string) =>
    configuredHash !== undefined && timingSafeEqual(configuredHash, Buffer.from(hashOf(token)));

  /** Returns the name of a key; null if there is none with this token. */
  async function look(token: string): Promise<string | null> {
    const key = hashOf(token);
    const name = await names.get(key);
    good.delete(key);
    if (name === null) return null;
    good.add(key);
    if (good.size > GOOD_MAX) for (const eldest of good.keys().take(1)) good.delete(eldest);
    noteUse(name);
    return name;
  }

  return {
    forget: () => names.forgetAll(() => true),
    knows: (token) => !isWellFormed(token) || good.has(hashOf(token)) || isConfigured(token),
    async identify(token, origin) {
      const name = isWellFormed(token) ? await look(token) : null;
      if (name !== null) return name;
      const fits = isConfigured(token);
      const [network, site] = [networkOf(origin.address), siteOf(origin.address)];
      const count = fits ? wrong.peek : wrong.count;
      const [ofNetwork, ofSite] = await Promise.all([count(network), site === network ? NONE : count(site)]);
      if (rate > 0 && (ofNetwork.count > rate || ofSite.count > rate * PER_SITE)) {
        security.record("operator.limit", { origin });
        throw new Refusal("rate_limited", {
          detail: "Too many wrong operator tokens came from your network. Try again later.",
          retryAfterMs: ofNetwork.count > rate ? ofNetwork.resetMs : ofSite.resetMs,
        });
      }
      if (fits) return CONFIGURED;
      security.record("operator.fail", { origin });
      throw new Refusal("token_invalid");
    },
  };
}
