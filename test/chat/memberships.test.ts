import { beforeEach, expect, test } from "bun:test";
import { createMemberships, type Memberships } from "../../src/chat/access/memberships.ts";
import type { MemberStore, Seat } from "../../src/chat/ports.ts";
import { databaseAway } from "../../src/db/away.ts";
import { createBusLine } from "../support/bus-line.ts";
import { handClock } from "../support/hand-clock.ts";
import { createMemberStub } from "../support/stubs.ts";
import { until } from "../support/until.ts";

// What the database knows about people in rooms: the cache, and the notifications of changes.

const ada: Seat = { userId: 1, room: "lobby" };
const ben: Seat = { userId: 2, room: "lobby" };

let store: ReturnType<typeof createMemberStub>;
let line: ReturnType<typeof createBusLine>;
let clock: ReturnType<typeof handClock>;
/** The seats of each query. */
let queries: (readonly Seat[])[];
let broken: boolean;

/** A node with the store of all nodes. */
function node(name: string): Memberships & { readonly notified: number[] } {
  const memberships: MemberStore["memberships"] = async (seats) => {
    queries.push(seats);
    if (broken) throw databaseAway();
    return store.memberships(seats);
  };
  const created = createMemberships({
    store: { memberships, departures: store.departures },
    clock: clock.clock,
    bus: line.join(name),
  });
  const notified: number[] = [];
  created.onLeft((userId) => notified.push(userId));
  return { ...created, notified };
}

beforeEach(() => {
  [store, line, clock, queries, broken] = [createMemberStub(), createBusLine(), handClock(), [], false];
});

test("a membership is read each time, and remembered for 5 s", async () => {
  const { read, peek } = node("one");
  expect(peek(ada)).toBeUndefined();
  expect((await read(ada)).state).toBe("none");
  await store.join([ada]);
  clock.pass(4_999);
  expect(peek(ada)?.state).toBe("none");
  expect(peek(ben)).toBeUndefined();
  expect((await read(ada)).state).toBe("in");
  expect(peek(ada)?.state).toBe("in");
  clock.pass(5_000);
  expect(peek(ada)).toBeUndefined();
  expect(queries).toEqual([[ada], [ada]]);
});

test("a read never returns what a query found that began before it", async () => {
  const { read } = node("one");
  const before = read(ada);
  await Promise.resolve();
  expect(queries).toHaveLength(1);
  await store.join([ada]);
  expect((await read(ada)).state).toBe("in");
  expect((await before).state).toBe("none");
});

test("many reads at once are one query", async () => {
  const { read } = node("one");
  await Promise.all([read(ada), read(ben), read({ ...ada, room: "attic" })]);
  expect(queries).toHaveLength(1);
});

test("equal memberships of a room are one object, because every socket in it keeps one", async () => {
  const { read } = node("one");
  const [mine, yours, elsewhere] = await Promise.all([read(ada), read(ben), read({ ...ada, room: "attic" })]);
  expect(yours).toBe(mine);
  expect(elsewhere).not.toBe(mine);
  await store.join([ben]);
  expect(await read(ben)).not.toBe(mine);
});

test("leaving is forgotten at once, here and on other nodes, for that room alone and without an echo", async () => {
  const [one, two] = [node("one"), node("two")];
  await store.join([ada, ben]);
  await Promise.all([one, two].flatMap(({ read }) => [read(ada), read(ben)]));
  await store.leave(ada);
  one.left(ada);
  for (const { peek } of [one, two]) {
    expect(peek(ada)).toBeUndefined();
    expect(peek(ben)?.state).toBe("in");
  }
  expect([one.notified, two.notified]).toEqual([[], [1]]);
  expect(line.told).toBe(1);
});

test("while the database is away, what is remembered counts and reads are unavailable", async () => {
  const { read, peek } = node("one");
  await read(ada);
  broken = true;
  expect(peek(ada)?.state).toBe("none");
  await expect(read(ada)).rejects.toMatchObject({ code: "unavailable" });
  broken = false;
  expect((await read(ben)).state).toBe("none");
});

test("a read that takes longer than 2 s is refused as busy, and its result is remembered", async () => {
  const slow = Promise.withResolvers<void>();
  const { read, peek } = createMemberships({
    store: {
      memberships: async (seats) => slow.promise.then(() => store.memberships(seats)),
      departures: store.departures,
    },
    clock: clock.clock,
    bus: line.join("slow"),
  });
  const refused = read(ada).catch((error: unknown) => error);
  await Promise.resolve();
  clock.pass(2_000);
  expect(await refused).toMatchObject({ code: "busy" });
  slow.resolve();
  await until(() => peek(ada) !== undefined);
});

test("while a read is overdue, its person's next reads are refused at once, and other people's wait their 2 s", async () => {
  // The commands of a socket wait for each other: with a database stalled for 10 s, the sixth waited for 10 s.
  const stalled = Promise.withResolvers<void>();
  const { read } = createMemberships({
    store: {
      memberships: (seats) => stalled.promise.then(() => store.memberships(seats)),
      departures: store.departures,
    },
    clock: clock.clock,
    bus: line.join("stalled"),
  });
  const outcome = (seat: Seat) =>
    read(seat).then(
      ({ state }) => state,
      ({ code }: { code: string }) => code,
    );
  const first = outcome(ada);
  await Promise.resolve();
  clock.pass(2_000);
  expect(await first).toBe("busy");
  expect(await outcome({ ...ada, room: "attic" })).toBe("busy");
  const other = outcome(ben);
  stalled.resolve();
  expect(await other).toBe("none");
  expect(await outcome(ada)).toBe("none");
});
