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
  /** Drops the entries that match. Values already on their way are returned but not remembered. */
  forget(matches: (key: Key) => boolean): void;
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

export function createLookup<Key, Value>({
  clock,
  ttlMs,
  max,
  batch,
  idOf,
  isSame = () => true,
  read,
}: LookupOptions<Key, Value>): Lookup<Key, Value> {
  const known = new Map<string | number, { readonly key: Key; readonly value: Value; until: number }>();
  const pending = new Map<string | number, Promise<Value>>();
  /** Rises with every `forget`: a value that was being read by then may be out of date. */
  let changes = 0;

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
      const [until, before] = [clock.monotonic() + ttlMs, changes];
      const found = await read(some);
      if (before === changes) some.forEach((key, index) => remember(key, found[index] as Value, until));
      values.push(...found);
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
      const value = peek(key);
      if (value !== undefined) return Promise.resolve(value);
      const id = idOf(key);
      let asked = pending.get(id);
      if (!asked) {
        asked = ask(key).finally(() => pending.get(id) === asked && pending.delete(id));
        pending.set(id, asked);
      }
      return asked;
    },
    forget(matches) {
      changes++;
      pending.clear();
      for (const [id, { key }] of known) if (matches(key)) known.delete(id);
    },
  };
}
