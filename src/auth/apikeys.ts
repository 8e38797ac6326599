import { hash, timingSafeEqual } from "node:crypto";
import * as v from "valibot";
import type { Clock } from "../clock.ts";
import type { Pool } from "../db/database.ts";
import { Refusal } from "../errors.ts";
import { type LimiterStore, NONE } from "../limits/limiter.ts";
import { createLookup } from "../lookup.ts";
import { networkOf, PER_SITE, siteOf } from "../limits/network.ts";
import type { Order } from "../order.ts";
import type { Origin, SecurityLog } from "../security.ts";
import { covers, type KeyHolder, keyHolder, type Scope } from "../scopes.ts";
import { type ApiKey, insertApiKey, readApiKeys, touchApiKey } from "./apikeystore.ts";

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

/** How many times the budgets of a person a key has, if nothing else is said. */
const KEY_BUDGET = 10;
const KEY_BUDGET_MAX = 100;
export const keyBudget = v.pipe(
  v.number("must be a number"),
  v.integer("must be a whole number"),
  v.minValue(1, "must be at least 1"),
  v.maxValue(KEY_BUDGET_MAX, `must be at most ${KEY_BUDGET_MAX}`),
);
const EVERYTHING: readonly Scope[] = [{ name: "admin", rooms: "" }];

/** What is said about a new key. Without scopes it may do everything. */
export interface WantedKey {
  readonly name: string;
  readonly scopes?: readonly Scope[] | undefined;
  /** How long it is valid, in milliseconds; undefined: until it is revoked. */
  readonly ttlMs?: number | undefined;
  readonly budget?: number | undefined;
}

/**
 * Creates a key and returns it with its token, which nothing else ever returns: `parley_`, 32 random digits of base 62 and
 * a checksum of six. `creator` is the key that asks for it, if one does: it expires when that one does, at the latest.
 * @throws {Refusal} invalid if the name is not 1 to 64 letters, digits, _, - or ., or is taken; forbidden if it could do
 * more than its creator.
 */
export async function createApiKey(
  pool: Pool,
  { name, scopes = EVERYTHING, ttlMs, budget = KEY_BUDGET }: WantedKey,
  order: Order,
  creator?: KeyHolder,
): Promise<ApiKey & { readonly token: string }> {
  if (!NAME.test(name) || name.toUpperCase() === CONFIGURED) {
    const rule = "must be 1 to 64 letters, digits, _, - or ., and must not be ADMIN_TOKEN";
    throw new Refusal("invalid", { detail: `The name ${rule}.`, errors: { name: [rule] } });
  }
  if (creator && !creator.allows("admin") && !isWithin(creator, { scopes, budget }))
    throw new Refusal("forbidden", {
      detail: "A key cannot create one that may do more than itself, or that has a larger budget.",
    });
  const token = newToken();
  const key = { name, scopes, budget, ttlMs, latest: creator?.expiresAt ?? null };
  return { ...(await insertApiKey(pool, key, storedHash(hashOf(token)), order)), token };
}

const isWithin = (creator: KeyHolder, { scopes, budget }: Pick<KeyHolder, "scopes" | "budget">) =>
  budget <= creator.budget && scopes.every((scope) => creator.scopes.some((own) => covers(own, scope)));

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

const hashOf = (text: string) => hash("sha256", text, "base64url");
/**
 * How the hash of a key is stored. Earlier versions stored it as it is, and let every key that they find do everything: so
 * they must not find one with scopes, whoever starts them again.
 */
const storedHash = hashOf;

/** Whether a token is meant to be a key, even if it has typing errors. */
export const looksLikeKey = (token: string): boolean => token.startsWith(PREFIX);

/** Who an operator's token belongs to. */
export interface ApiKeys {
  /**
   * Returns the key with that token, which may be `ADMIN_TOKEN`.
   * @throws {Refusal} token_invalid, token_expired; rate_limited if this network has given too many wrong tokens; the
   * database's errors if a key cannot be looked up.
   */
  identify(token: string, origin: Origin): Promise<KeyHolder>;
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
  const configuredKey = keyHolder({
    ...{ id: 0, name: CONFIGURED, scopes: EVERYTHING, expiresAt: null, budget: KEY_BUDGET },
  });
  const keys = createLookup<string, KeyHolder | "expired" | null>({
    clock,
    ttlMs: TTL_MS,
    max: CACHE_MAX,
    batch: BATCH_MAX,
    idOf: (key) => key,
    async read(hashes) {
      const forms = hashes.map((hash) => [hash, storedHash(hash)] as const);
      const found = await pool.run((orm) => readApiKeys(orm, forms.flat()));
      return forms.map(([old, now]) => found.get(now) ?? found.get(old) ?? null);
    },
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

  /** Returns a key; null if there is none with this token. @throws {Refusal} token_expired. */
  async function look(token: string): Promise<KeyHolder | null> {
    const hash = hashOf(token);
    const key = await keys.get(hash);
    good.delete(hash);
    if (key === null) return null;
    if (key === "expired") throw new Refusal("token_expired");
    good.add(hash);
    if (good.size > GOOD_MAX) for (const eldest of good.keys().take(1)) good.delete(eldest);
    noteUse(key.name);
    return key;
  }

  return {
    forget: () => keys.forgetAll(() => true),
    knows: (token) => !isWellFormed(token) || good.has(hashOf(token)) || isConfigured(token),
    async identify(token, origin) {
      const isKey = isWellFormed(token);
      const key = isKey ? await look(token) : null;
      if (key !== null) return key;
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
      if (fits) return configuredKey;
      security.record("operator.fail", { origin });
      if (!looksLikeKey(token) || isKey) throw new Refusal("token_invalid");
      throw new Refusal("token_invalid", {
        detail: "The checksum of this key is wrong. Copy the whole key.",
      });
    },
  };
}
