import { afterAll, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { sql } from "drizzle-orm";
import { rows } from "../../src/db/database.ts";
import type { Attempt, FileStore, HeldStore, ReceivingStore } from "../../src/files/ports.ts";
import { createFileStore } from "../../src/store/files.ts";
import { createHeldStore } from "../../src/store/held.ts";
import { createMovingStore } from "../../src/store/moving.ts";
import { createReceivingStore } from "../../src/store/receiving.ts";
import { onEachDriver, post, type Stocked, stock } from "../chat/stocked.ts";
import { START_MS } from "../support/house.ts";

setDefaultTimeout(20_000);

// The rows of uploads over several requests, of files that are held back, and of files that move, on each driver.

const QUOTAS = { person: 1e12, room: 1e12 };
const CONTENT = { size: 7, hash: "ab".repeat(32), type: "text/plain", picture: null, sizes: { original: 7 } };

onEachDriver((open) => {
  let at: Stocked;
  let files: FileStore;
  let receiving: ReceivingStore;
  let held: HeldStore;
  let key: { room: string; userId: number; clientId: string };

  beforeAll(async () => {
    at = await stock(open);
    files = createFileStore(at.database);
    receiving = createReceivingStore(at.database);
    held = createHeldStore(at.database);
    await at.store.commit(0, [post(at.ada, "lobby", "hello")], false);
  }, START_MS);
  afterAll(() => at.database.close());
  beforeEach(async () => {
    await at.database.run((orm) => rows(orm, sql`delete from files`));
    key = { room: "lobby", userId: at.ada, clientId: crypto.randomUUID() };
  });
  const attempt = (size = 100): Attempt => ({ ...key, id: crypto.randomUUID(), name: "a", size });
  const counts = async () =>
    Object.fromEntries((await files.count()).map(({ state, files: n, bytes }) => [state, [n, bytes]]));

  test("an upload is begun once, by whoever comes first, if there is a room and a quota for it", async () => {
    const begun = await Promise.all([receiving.begin(attempt(), QUOTAS), receiving.begin(attempt(), QUOTAS)]);
    expect<unknown>(begun[0]).toEqual(begun[1]);
    expect(begun[0]).toMatchObject({ ...key, size: 100, parts: [] });
    expect(await receiving.begin({ ...attempt(), room: "nowhere" }, QUOTAS)).toBe("no_room");
    key = { ...key, clientId: crypto.randomUUID() };
    expect(await receiving.begin(attempt(5000), { person: 1e12, room: 6000 })).toBe("full");
  });

  test("parts are added one after another, and of two at the same place one is", async () => {
    const begun = await receiving.begin(attempt(), QUOTAS);
    if (typeof begun === "string") throw new Error(begun);
    const both = await Promise.all([
      receiving.add(begun, { name: "a", size: 5 }),
      receiving.add(begun, { name: "b", size: 5 }),
    ]);
    const [first] = both.filter((one) => one !== undefined);
    expect(both.filter((one) => one === undefined)).toHaveLength(1);
    expect(first?.parts).toHaveLength(1);
    const next = first && (await receiving.add(first, { name: "c", size: 7 }));
    expect(next?.parts.map(({ size }) => size)).toEqual([5, 7]);
    expect(await receiving.find(key)).toEqual(next);
    expect(await receiving.withdraw(key)).toBe("withdrawn");
    expect([await receiving.find(key), await receiving.withdraw(key)]).toEqual([undefined, "none"]);
    expect(next && (await receiving.add(next, { name: "d", size: 1 }))).toBeUndefined();
    expect(await counts()).toEqual({ doomed: [1, 100] });
  });

  test("a file is held until it is settled, once, and taken by one process at a time", async () => {
    const one = attempt();
    await files.begin(one, QUOTAS);
    expect(await files.complete(one.id, CONTENT, -1)).toBe("done");
    expect(await files.find(key)).toMatchObject({ id: one.id, held: true });
    expect(await files.servable(one.id)).toBeUndefined();
    const taken = await Promise.all([held.take(60_000), held.take(60_000)]);
    expect(taken.flat()).toEqual([{ id: one.id, size: 7 }]);
    await held.defer(one.id, -1);
    expect(await held.take(60_000)).toHaveLength(1);
    expect(await held.settle(one.id, "clean")).toBe(true);
    expect(await held.settle(one.id, "rejected")).toBe(false);
    expect(await files.servable(one.id)).toMatchObject({ held: false });
  });

  test("a rejected file is nobody's, and its uploader learns of it for a day", async () => {
    const one = attempt();
    await files.begin(one, QUOTAS);
    await files.complete(one.id, CONTENT, 1_000);
    expect(await held.wasRejected(key)).toBe(false);
    expect(await held.settle(one.id, "rejected")).toBe(true);
    expect([await files.find(key), await held.wasRejected(key)]).toEqual([undefined, true]);
    expect(await counts()).toEqual({ rejected: [1, 0] });
    await files.expire({ silentMs: 1e9, unsentMs: -1_000, strayMs: 1e9 });
    expect(await held.wasRejected(key)).toBe(false);
  });

  test("the right to move files is one process's at a time", async () => {
    const moving = createMovingStore(at.database);
    expect(await moving.hold("one", 60_000)).toBe(true);
    expect(await moving.hold("two", 60_000)).toBe(false);
    expect(await moving.hold("one", -1)).toBe(true);
    expect(await moving.hold("two", 60_000)).toBe(true);
    const one = attempt();
    await files.begin(one, QUOTAS);
    expect(await moving.movable([one.id])).toEqual([{ id: one.id, isComplete: false }]);
    await files.complete(one.id, CONTENT);
    expect(await moving.movable([one.id, crypto.randomUUID()])).toEqual([{ id: one.id, isComplete: true }]);
  });
});
