import {
  createLocalJWKSet,
  errors,
  type FlattenedJWSInput,
  type JSONWebKeySet,
  type JWSHeaderParameters,
} from "jose";
import type { Clock } from "../clock.ts";
import { Refusal } from "../errors.ts";
import type { Log } from "../log.ts";

/** A key that was taken out of the set is refused after this time. */
const FRESH_MS = 5 * 60_000;
/** While the set cannot be read, the last one serves on this long: as long as the longest token lives. */
const STALE_MS = 24 * 3_600_000;
/** How soon an unknown key, or a failure, may make us read again. */
const COOLDOWN_MS = 10_000;
const TIMEOUT_MS = 5000;

/** The key set of someone else's identity provider (JWKS, RFC 7517), read when it is needed. */
export interface KeySet {
  /** Reads the set where it is not fresh. @throws {Refusal} unavailable where none can be had. */
  refresh(): Promise<void>;
  /** The key of a token. @throws {Refusal} unavailable where it may be in a set that cannot be read now; else jose's errors. */
  keyOf(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey>;
}

interface KeySetOptions {
  readonly url: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Called when the set that was read differs from the one before. */
  readonly onChange: () => void;
}

export function createKeySet({ url, clock, log, onChange }: KeySetOptions): KeySet {
  let set: { text: string; find: ReturnType<typeof createLocalJWKSet> } | undefined;
  let readAt = -Infinity;
  let triedAt = -Infinity;
  let reading: Promise<void> | undefined;

  const age = (at: number) => clock.monotonic() - at;
  const failing = () => triedAt > readAt;

  async function read(): Promise<void> {
    const at = clock.monotonic();
    triedAt = at;
    try {
      const response = await fetch(url, {
        headers: { accept: "application/jwk-set+json, application/json" },
        redirect: "error",
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (response.status !== 200) throw new Error(`status ${response.status}`);
      const text = await response.text();
      const find = createLocalJWKSet(JSON.parse(text) as JSONWebKeySet);
      const changed = set?.text !== text;
      set = { text, find };
      readAt = at;
      if (changed) onChange();
    } catch (error) {
      log.warn({ reason: (error as Error).message }, "the key set of AUTH_JWKS_URL could not be read");
    }
  }

  /** One reading at a time, for all that wait for it; none soon after another. */
  const reread = async () => {
    if (!reading && age(triedAt) < COOLDOWN_MS) return;
    await (reading ??= read().finally(() => (reading = undefined)));
  };

  return {
    async refresh() {
      if (age(readAt) >= FRESH_MS) await reread();
      if (!set || age(readAt) >= STALE_MS) throw unreachable();
    },
    async keyOf(header, token) {
      const find = async () => {
        if (!set) throw unreachable();
        return set.find(header, token);
      };
      try {
        return await find();
      } catch (error) {
        if (!isUnknown(error)) throw error;
      }
      await reread();
      return find().catch((error: unknown) => {
        throw isUnknown(error) && failing() ? unreachable() : error;
      });
    },
  };
}

const isUnknown = (error: unknown) => error instanceof errors.JWKSNoMatchingKey;

const unreachable = () =>
  new Refusal("unavailable", {
    detail: "The keys of the identity provider cannot be read now: try again soon.",
    retryAfterMs: COOLDOWN_MS,
  });
