import { beforeEach, expect, test } from "bun:test";
import { createDeparted, type Departed } from "../../src/chat/access/departed.ts";
import type { MemberStore } from "../../src/chat/ports.ts";
import { databaseAway } from "../../src/db/away.ts";
import { createBusLine } from "../support/bus-line.ts";
import { handClock } from "../support/hand-clock.ts";
import { createMemberStub } from "../support/stubs.ts";
import { until } from "../support/until.ts";
import { ORDER } from "../support/order.ts";

// The rooms that people are banned from or left: the cache, and the notifications of changes.

const [ada, ben] = [1, 2];

let store: ReturnType<typeof createMemberStub>;
let line: ReturnType<typeof createBusLine>;
let clock: ReturnType<typeof handClock>;
/** The user ids of each query. */
let queries: (readonly number[])[];
let broken: boolean;

/** A node with the store of all nodes. */
function node(name: string): Departed & { readonly notified: number[] } {
  const departures: MemberStore["departures"] = async (userIds) => {
    queries.push(userIds);
    if (broken) throw databaseAway();
    return store.departures(userIds);
  };
  const departed = createDeparted({ store: { departures }, clock: clock.clock, bus: line.join(name) });
  const notified: number[] = [];
  departed.onChanged((userId) => notified.push(userId));
  return { ...departed, notified };
}

beforeEach(() => {
  [store, line, clock, queries, broken] = [createMemberStub(), createBusLine(), handClock(), [], false];
});

test("departures are read once and cached for 5 s", async () => {
  const { get, peek } = node("one");
  await store.ban({ userId: ada, room: "lobby" }, ORDER);
  expect(peek(ada)).toBeUndefined();
  expect(await get(ada)).toEqual(new Map([["lobby", "banned"]]));
  clock.pass(4_999);
  expect(peek(ada)).toEqual(new Map([["lobby", "banned"]]));
  expect((await get(ada)).size).toBe(1);
  expect(queries).toEqual([[ada]]);
  clock.pass(1);
  expect(peek(ada)).toBeUndefined();
  await get(ada);
  expect(queries).toEqual([[ada], [ada]]);
});

test("refresh bypasses the cache, keeps the order, and its results are cached", async () => {
  const { get, peek, refresh } = node("one");
  await store.join([
    { userId: ada, room: "garden" },
    { userId: ada, room: "attic" },
  ]);
  await get(ada);
  await store.ban({ userId: ada, room: "lobby" }, ORDER);
  await store.leave({ userId: ada, room: "garden" });
  expect((await get(ada)).size).toBe(0);
  const theirs = new Map([
    ["garden", "left"],
    ["lobby", "banned"],
  ] as const);
  expect(await refresh([ben, ada])).toEqual([new Map(), theirs]);
  expect(peek(ada)).toEqual(theirs);
  expect(peek(ben)).toEqual(new Map());
});

test("a ban counts on its node at once, and is forgotten when it is lifted", async () => {
  const { get, peek, changed, notified } = node("one");
  await get(ada);
  await store.ban({ userId: ada, room: "lobby" }, ORDER);
  expect((await get(ada)).size).toBe(0); // cached
  changed(ada);
  expect(peek(ada)).toBeUndefined();
  expect((await get(ada)).get("lobby")).toBe("banned");
  await store.unban({ userId: ada, room: "lobby" }, ORDER);
  changed(ada);
  expect((await get(ada)).size).toBe(0);
  expect(notified).toEqual([]); // only changes of other nodes
});

test("a change drops what is cached for that person alone", async () => {
  const { get, peek, changed } = node("one");
  await Promise.all([get(ada), get(ben)]);
  changed(ada);
  expect(peek(ada)).toBeUndefined();
  expect(peek(ben)).toBeDefined();
});

test("other nodes drop their cache and notify their listeners, without an echo", async () => {
  const [one, two] = [node("one"), node("two")];
  await two.get(ada);
  await store.ban({ userId: ada, room: "lobby" }, ORDER);
  one.changed(ada);
  expect(two.notified).toEqual([ada]);
  expect(two.peek(ada)).toBeUndefined();
  expect((await two.get(ada)).get("lobby")).toBe("banned");
  expect(one.notified).toEqual([]);
  expect(line.told).toBe(1);
});

test("departures that were being read when they changed are not cached", async () => {
  const { get, peek, changed } = node("one");
  const before = get(ada);
  await Promise.resolve();
  expect(queries).toHaveLength(1);
  changed(ada);
  await before;
  expect(peek(ada)).toBeUndefined();
});

test("while the database is away, cached departures count and others are unavailable", async () => {
  const { get } = node("one");
  await get(ada);
  broken = true;
  expect((await get(ada)).size).toBe(0);
  await expect(get(ben)).rejects.toMatchObject({ code: "unavailable" });
  broken = false;
  expect((await get(ben)).size).toBe(0);
});

test("a lookup that takes longer than 2 s is refused as busy, and its result is cached", async () => {
  const slow = Promise.withResolvers<void>();
  const departed = createDeparted({
    store: { departures: async (userIds) => slow.promise.then(() => store.departures(userIds)) },
    clock: clock.clock,
    bus: line.join("slow"),
  });
  const refused = departed.get(ada).catch((error: unknown) => error);
  await Promise.resolve();
  clock.pass(2_000);
  expect(await refused).toMatchObject({ code: "busy" });
  slow.resolve();
  await until(() => departed.peek(ada) !== undefined);
  expect(departed.peek(ada)).toEqual(new Map());
});
