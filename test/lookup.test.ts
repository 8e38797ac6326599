import { beforeEach, expect, test } from "bun:test";
import { createLookup } from "../src/lookup.ts";
import { handClock } from "./support/hand-clock.ts";

interface Key {
  readonly id: number;
  readonly owner: string;
}

const key = (id: number, owner = "ada"): Key => ({ id, owner });
const TTL_MS = 1_000;

let reads: (readonly number[])[];
let failing: boolean;
/** Reads wait for it. */
let gate: Promise<void>;

/** A lookup whose source returns `<id> <number of the read>`, or undefined for negative ids. */
function stage({ max = 100, batch = 3 } = {}) {
  const { clock, pass } = handClock();
  const soon: (() => void)[] = [];
  const lookup = createLookup<Key, string>({
    clock: { ...clock, soon: (task) => void soon.push(task) },
    ttlMs: TTL_MS,
    max,
    batch,
    idOf: ({ id }) => id,
    isSame: (one, other) => one.owner === other.owner,
    async read(keys) {
      reads.push(keys.map(({ id }) => id));
      const number = reads.length;
      await gate;
      if (failing) throw new Error("the source is away");
      return keys.map(({ id }) => `${id} ${number}`);
    },
  });
  /** Ends the turn of the event loop, in which keys are gathered. */
  const turn = () => soon.splice(0).forEach((task) => task());
  const all = (...keys: Key[]) => {
    const values = Promise.all(keys.map(lookup.get));
    turn();
    return values;
  };
  return { ...lookup, all, turn, pass };
}

beforeEach(() => {
  [reads, failing, gate] = [[], false, Promise.resolve()];
});

test("keys of one turn are read together, each once, in batches", async () => {
  const { all } = stage();
  const values = await all(key(1), key(2), key(1), key(3), key(4));
  expect(values).toEqual(["1 1", "2 1", "1 1", "3 1", "4 2"]);
  expect(reads).toEqual([[1, 2, 3], [4]]);
});

test("a key that is being read is not read again", async () => {
  const { all, get, turn } = stage();
  const release = Promise.withResolvers<void>();
  gate = release.promise;
  const first = all(key(1));
  await Promise.resolve();
  const second = get(key(1));
  turn();
  release.resolve();
  expect([await first, await second]).toEqual([["1 1"], "1 1"]);
  expect(reads).toEqual([[1]]);
});

test("a value is cached for its time, counted from the beginning of the read", async () => {
  const { all, peek, pass } = stage();
  const release = Promise.withResolvers<void>();
  gate = release.promise;
  const first = all(key(1));
  await Promise.resolve();
  pass(TTL_MS / 2);
  release.resolve();
  await first;
  pass(TTL_MS / 2 - 1);
  expect(peek(key(1))).toBe("1 1");
  expect(await all(key(1))).toEqual(["1 1"]);
  pass(1);
  expect(peek(key(1))).toBeUndefined();
  expect(await all(key(1))).toEqual(["1 2"]);
});

test("refresh bypasses the cache, in batches and in order, and its values are cached", async () => {
  const { all, peek, refresh } = stage();
  await all(key(2));
  expect(await refresh([key(4), key(3), key(2), key(1)])).toEqual(["4 2", "3 2", "2 2", "1 3"]);
  expect([peek(key(2)), peek(key(1))]).toEqual(["2 2", "1 3"]);
  expect(await refresh([])).toEqual([]);
  expect(reads).toEqual([[2], [4, 3, 2], [1]]);
});

test("forget drops one key, and forgetAll those that match, and no others", async () => {
  const { all, peek, forget, forgetAll } = stage();
  await all(key(1), key(2, "ben"), key(3));
  forgetAll(({ owner }) => owner === "ben");
  expect([peek(key(1)), peek(key(2, "ben")), peek(key(3))]).toEqual(["1 1", undefined, "3 1"]);
  forget(key(3));
  expect([peek(key(1)), peek(key(3))]).toEqual(["1 1", undefined]);
});

test("a value that was being read during a forget is returned but not cached, and is read anew for later calls", async () => {
  const { all, get, turn, peek, forget } = stage();
  const release = Promise.withResolvers<void>();
  gate = release.promise;
  const before = all(key(1));
  await Promise.resolve();
  forget(key(1));
  const after = get(key(1));
  turn();
  release.resolve();
  expect(await before).toEqual(["1 1"]);
  expect(await after).toBe("1 2");
  expect(peek(key(1))).toBe("1 2");
});

test("the same holds for a refresh, and what is forgotten of one key does not affect others", async () => {
  const { refresh, peek, forget, forgetAll } = stage();
  const release = Promise.withResolvers<void>();
  gate = release.promise;
  const refreshed = refresh([key(1), key(2), key(3, "ben")]);
  forget(key(1));
  forgetAll(({ owner }) => owner === "ben");
  release.resolve();
  await refreshed;
  expect([peek(key(1)), peek(key(2)), peek(key(3, "ben"))]).toEqual([undefined, "2 1", undefined]);
});

test("a different key with the same id is read for itself, also while the other is being read", async () => {
  const { all } = stage();
  expect(await all(key(1), key(1, "ben"))).toEqual(["1 1", "1 1"]);
  expect(reads).toEqual([[1, 1]]);
});

test("a different key with the same id is read for itself", async () => {
  const { all, peek } = stage();
  await all(key(1));
  expect(peek(key(1, "ben"))).toBeUndefined();
  expect(await all(key(1, "ben"))).toEqual(["1 2"]);
});

test("at most `max` values are kept, the newest ones", async () => {
  const { all, peek } = stage({ max: 2, batch: 1 });
  await all(key(1));
  await all(key(2));
  await all(key(3));
  expect([1, 2, 3].map((id) => peek(key(id)))).toEqual([undefined, "2 2", "3 3"]);
});

test("an error reaches everyone who waits, is not cached, and does not end the lookup", async () => {
  const { all, get, turn } = stage();
  failing = true;
  const values = [get(key(1)), get(key(1)), get(key(2))].map((value) => value.catch(String));
  turn();
  expect(await Promise.all(values)).toEqual(Array(3).fill("Error: the source is away"));
  failing = false;
  expect(await all(key(1))).toEqual(["1 2"]);
});
