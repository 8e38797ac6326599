import type { Clock } from "../clock.ts";
import { Refusal } from "../errors.ts";
import type { Log } from "../log.ts";
import { BadKeySet, candidatesFor, type OutsideKey, readKeySet } from "./jwkset.ts";

/** The set is reread at this age, so a key removed from it is rejected after this time. */
const FRESH_MS = 5 * 60_000;
/** While the set cannot be read, the last one stays in use this long. */
export const STALE_MS = 24 * 3_600_000;
/** Minimum time between two reads. Unknown keys, bad signatures and failed reads cannot trigger another one sooner. */
const COOLDOWN_MS = 10_000;
const TIMEOUT_MS = 5000;
const BYTES_MAX = 512 * 1024;
/** How much of the id in a forged token a line of the log has, in characters. */
const KID_MAX = 100;
/** How many skipped members a line of the log names. */
const NAMED_MAX = 10;

/** The parts of a token's header that say which key signed it. */
export interface Signature {
  readonly alg: string;
  readonly kid: string | undefined;
}

/** The key set of an outside identity provider (JWKS, RFC 7517), read on demand. */
export interface KeySet {
  /**
   * Rereads the set if it is older than 5 minutes. If the last attempt failed, nobody waits for the next one as long as the
   * set may be used, because a provider may take all requests and answer none.
   * @throws {Refusal} unavailable if no usable set is left.
   */
  refresh(): Promise<void>;
  /**
   * Returns the keys that may have signed a token, the likeliest first. If there is none, rereads the set.
   * @throws {Refusal} unavailable if there is none and the set cannot be read right now.
   */
  keysFor(signature: Signature): Promise<readonly OutsideKey[]>;
  /**
   * None of these keys fits a token's signature. Rereads the set, because a provider may have replaced a key under its
   * id. Returns whether the set is another one by now.
   * @throws {Refusal} unavailable if the set cannot be read right now.
   */
  doubt(signature: Signature, tried: readonly OutsideKey[]): Promise<boolean>;
  /** Whether the set contains the key with that thumbprint. */
  has(id: string): boolean;
}

interface KeySetOptions {
  readonly url: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Called when the set has changed since the last read. */
  readonly onChange: () => void;
}

export function createKeySet({ url, clock, log, onChange }: KeySetOptions): KeySet {
  let set: { readonly text: string; readonly keys: readonly OutsideKey[] } | undefined;
  let readAt = -Infinity;
  let triedAt = -Infinity;
  let reading: Promise<void> | undefined;
  let failed = false;

  const age = (at: number) => clock.monotonic() - at;
  const failing = () => triedAt > readAt;
  const mayRead = () => reading !== undefined || age(triedAt) >= COOLDOWN_MS;

  async function read(): Promise<void> {
    const at = clock.monotonic();
    triedAt = at;
    try {
      const response = await fetch(url, {
        headers: { accept: "application/jwk-set+json, application/json" },
        redirect: "error",
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (response.status !== 200) throw new BadKeySet(`status ${response.status}`);
      const text = await textOf(response);
      if (set?.text !== text) {
        const { keys, skipped } = await readKeySet(text);
        set = { text, keys };
        onChange();
        log.info({ event: "keyset_read", keys: keys.length }, "the key set of AUTH_JWKS_URL is new");
        const named = skipped.slice(0, NAMED_MAX);
        if (named.length > 0)
          log.warn(
            { event: "keyset_skipped", count: skipped.length, skipped: named },
            "the key set of AUTH_JWKS_URL has keys that cannot be used",
          );
      }
      readAt = at;
      failed = false;
    } catch (error) {
      failed = true;
      log.warn({ reason: reasonOf(error) }, "the key set of AUTH_JWKS_URL could not be read");
    }
  }

  /** Rereads the set, at most once per cooldown. Concurrent callers share one read. */
  const reread = async () => {
    if (mayRead()) await (reading ??= read().finally(() => (reading = undefined)));
  };

  return {
    async refresh() {
      const usable = set !== undefined && age(readAt) < STALE_MS;
      if (age(readAt) >= FRESH_MS) await (usable && failed ? void reread() : reread());
      if (!set || age(readAt) >= STALE_MS) throw unreachable();
    },
    async keysFor(signature) {
      const find = () => candidatesFor(set?.keys ?? [], signature);
      const known = find();
      if (known.length > 0) return known;
      await reread();
      const found = find();
      if (found.length === 0 && failing()) throw unreachable();
      return found;
    },
    async doubt({ kid }, tried) {
      if (mayRead() && !reading) {
        const shown = kid?.slice(0, KID_MAX);
        log.warn(
          { event: "keyset_doubted", kid: shown },
          "a token's signature does not fit its key, so the key set of AUTH_JWKS_URL is read again",
        );
      }
      await reread();
      if (failing()) throw unreachable();
      return !tried.every((key) => set?.keys.includes(key));
    },
    has: (id) => set?.keys.some((key) => key.id === id) ?? false,
  };
}

/** The messages of other errors quote what the provider sent, or the URL, which may contain a secret. */
function reasonOf(error: unknown): string {
  const { name, message, code } = error as NodeJS.ErrnoException;
  return error instanceof BadKeySet ? message : (code ?? name);
}

/** Reads a body up to a limit. @throws {BadKeySet} if it is larger. */
async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > BYTES_MAX) throw new BadKeySet(`larger than ${BYTES_MAX / 1024} KiB`);
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

const unreachable = () =>
  new Refusal("unavailable", {
    detail: "The keys of the identity provider cannot be read right now. Try again soon.",
    retryAfterMs: COOLDOWN_MS,
  });
