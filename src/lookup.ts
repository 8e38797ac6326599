import type { Clock } from "./clock.ts";
import { gatherer } from "./gather.ts";

/** Answers questions about many things from memory, and asks the source about the others in batches. */
export interface Lookup<Key, Value> {
  /** The value in memory, if it is recent enough. */
  peek(key: Key): Value | undefined;
  /** The value in memory or, failing that, at the source. Rejects with the source's error. */
  get(key: Key): Promise<Value>;
  /** Asks the source about all keys, bypassing memory, and remembers the values. Results keep the order of the keys. */
  refresh(keys: readonly Key[]): Promise<readonly Value[]>;
  /** Drops one entry. A value that is being read is returned but not remembered. */
  forget(key: Key): void;
  /** Does the same for all entries that match. It looks at every entry. */
  forgetAll(matches: (key: Key) => boolean): void;
}

interface LookupOptions<Key, Value> {
  readonly clock: Clock;
  /** How long a value is believed, in milliseconds. */
  readonly ttlMs: number;
  /** The most values in memory; beyond, the oldest one goes. */
  readonly max: number;
  /** The most keys in one question. */
  readonly batch: number;
  /** What identifies a key. There is one entry for each person here, so an existing string costs nothing. */
  idOf(key: Key): string | number;
  /** Whether two keys with one id really are the same. By default they are. */
  isSame?(one: Key, other: Key): boolean;
  read(keys: readonly Key[]): Promise<readonly Value[]>;
}

interface Entry<Key, Value> {
  readonly key: Key;
  readonly value: Value;
  readonly until: number;
}

export function createLookup<Key, Value>({
  clock,
  ttlMs,
  max,
  batch,
  idOf,
  isSame = () => true,
  read,
}: LookupOptions<Key, Value>): Lookup<Key, Value> {
  const known = new Map<string | number, Entry<Key, Value>>();
  const pending = new Map<string | number, { readonly key: Key; readonly value: Promise<Value> }>();
  /** What was forgotten while each read is in flight: its values for those keys may be out of date. */
  const reads = new Set<((key: Key) => boolean)[]>();

  const remember = (key: Key, value: Value, until: number) => {
    const id = idOf(key);
    known.delete(id);
    known.set(id, { key, value, until });
    if (known.size > max) for (const eldest of known.keys().take(1)) known.delete(eldest);
  };

  async function refresh(keys: readonly Key[]): Promise<readonly Value[]> {
    const values: Value[] = [];
    for (let from = 0; from < keys.length; from += batch) {
      const some = keys.slice(from, from + batch);
      const until = clock.monotonic() + ttlMs;
      const forgotten: ((key: Key) => boolean)[] = [];
      reads.add(forgotten);
      try {
        const found = await read(some);
        some.forEach((key, index) => {
          if (!forgotten.some((matches) => matches(key))) remember(key, found[index] as Value, until);
        });
        values.push(...found);
      } finally {
        reads.delete(forgotten);
      }
    }
    return values;
  }

  const ask = gatherer(clock, batch, refresh);

  const peek = (key: Key) => {
    const entry = known.get(idOf(key));
    return entry && entry.until > clock.monotonic() && isSame(entry.key, key) ? entry.value : undefined;
  };

  return {
    peek,
    refresh,
    get(key) {
      const remembered = peek(key);
      if (remembered !== undefined) return Promise.resolve(remembered);
      const id = idOf(key);
      const asked = pending.get(id);
      if (asked && isSame(asked.key, key)) return asked.value;
      const value = ask(key).finally(() => pending.get(id)?.value === value && pending.delete(id));
      pending.set(id, { key, value });
      return value;
    },
    forget(key) {
      const id = idOf(key);
      known.delete(id);
      pending.delete(id);
      for (const forgotten of reads) forgotten.push((other) => idOf(other) === id);
    },
    forgetAll(matches) {
      for (const [id, { key }] of known) if (matches(key)) known.delete(id);
      for (const [id, { key }] of pending) if (matches(key)) pending.delete(id);
      for (const forgotten of reads) forgotten.push(matches);
    },
  };
}
