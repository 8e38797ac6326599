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

/** The set is reread at this age, so a key removed from it is rejected after this time. */
const FRESH_MS = 5 * 60_000;
/** While the set cannot be read, the last one stays in use this long. */
export const STALE_MS = 24 * 3_600_000;
/** Minimum time between two reads. An unknown key or a failed read cannot trigger another one sooner. */
const COOLDOWN_MS = 10_000;
const TIMEOUT_MS = 5000;
/** A larger set is not read, in bytes. */
const SET_MAX = 256 * 1024;

/** The key set of an outside identity provider (JWKS, RFC 7517), read on demand. */
export interface KeySet {
  /**
   * Rereads the set if it is older than 5 minutes.
   * @throws {Refusal} unavailable if no usable set is left.
   */
  refresh(): Promise<void>;
  /**
   * Returns the key for a token.
   * @throws {Refusal} unavailable if the key is unknown and the set cannot be read right now; otherwise
   * jose's errors.
   */
  keyOf(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey>;
}

interface KeySetOptions {
  readonly url: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Called when the set has changed since the last read. */
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
      const text = await textOf(response);
      const find = createLocalJWKSet(JSON.parse(text) as JSONWebKeySet);
      const changed = set?.text !== text;
      set = { text, find };
      readAt = at;
      if (changed) onChange();
    } catch (error) {
      log.warn({ reason: (error as Error).message }, "the key set of AUTH_JWKS_URL could not be read");
    }
  }

  /** Rereads the set, at most once per cooldown. Concurrent callers share one read. */
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

/** Returns a body as text. @throws if it is larger than a set may be. */
async function textOf(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > SET_MAX) throw new Error(`more than ${SET_MAX / 1024} KiB`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

const isUnknown = (error: unknown) => error instanceof errors.JWKSNoMatchingKey;

const unreachable = () =>
  new Refusal("unavailable", {
    detail: "The keys of the identity provider cannot be read right now. Try again soon.",
    retryAfterMs: COOLDOWN_MS,
  });
