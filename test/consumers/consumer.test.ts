import { afterAll, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { sql } from "drizzle-orm";
import { type Consumer, runConsumer, type Running } from "../../src/consumers/consumer.ts";
import { rows } from "../../src/db/database.ts";
import { systemClock } from "../../src/clock.ts";
import { createMetrics } from "../../src/metrics.ts";
import { createLog } from "../../src/log.ts";
import { createCursorStore, type CursorStore, type Leased } from "../../src/store/cursors.ts";
import { acksOf, onEachDriver, post, type Stocked, stock } from "../chat/stocked.ts";
import { START_MS } from "../support/house.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

// What follows a commit: at least once, in the order of each room, whatever ends meanwhile. On each driver.

const log = createLog("silent");

/** What a consumer got: the version and the text of each change of a room. */
type Seen = Map<string, { version: number; content: string }[]>;

interface Batch {
  readonly upto: number;
  readonly size: number;
  readonly changes: readonly { version: number; content: string }[];
}

onEachDriver((open) => {
  let at: Stocked;
  let cursors: CursorStore;
  let name: string;
  let room: string;
  const running: Running[] = [];

  beforeAll(async () => {
    at = await stock(open);
    cursors = createCursorStore(at.database);
  }, START_MS);
  afterAll(() => at.database.close());
  beforeEach(() => {
    name = `c-${crypto.randomUUID()}`;
    room = `r-${crypto.randomUUID()}`;
  });

  /** A consumer that notes what it gets. `handle` may fail, or not settle. */
  const noting = (
    seen: Seen,
    handle: (room: string, batch: Batch) => unknown = () => {},
  ): Consumer<Batch> => ({
    name,
    async read({ room }, after) {
      const page = await at.store.changesSince(room, after);
      const changes = page.messages.slice(0, 3).map(({ version, content }) => ({ version, content }));
      const upto = page.messages.length > 3 ? (changes.at(-1)?.version ?? after) : page.end;
      return { upto, size: changes.length, changes };
    },
    async handle({ room }, batch) {
      await handle(room, batch);
      seen.getOrInsertComputed(room, () => []).push(...batch.changes);
    },
  });
  const start = (consumer: Consumer<Batch>, leaseMs?: number) => {
    const one = runConsumer(consumer, {
      cursors,
      clock: systemClock,
      log,
      metrics: createMetrics(),
      ...(leaseMs !== undefined && { leaseMs }),
    });
    running.push(one);
    return one;
  };
  const stopAll = async () => void (await Promise.all(running.splice(0).map((one) => one.stop())));
  const say = async (...contents: readonly string[]) =>
    acksOf(
      await at.store.commit(
        0,
        contents.map((content) => post(at.ada, room, content)),
        false,
      ),
    );
  const cursorOf = async (of = room) => {
    const [row] = await at.database.run((orm) =>
      rows<{ version: number; lease: string | null; failures: number }>(
        orm,
        sql`select c.version::float8 as version, c.lease::text as lease, c.failures::int as failures
          from cursors c join rooms r on r.id = c.room_id where c.consumer = ${name}::text and r.name = ${of}::text`,
      ),
    );
    return row;
  };
  const contents = (seen: Seen, of = room) => (seen.get(of) ?? []).map(({ content }) => content);

  test("a consumer gets everything in order, from the beginning on, and ends with its cursor at the end", async () => {
    await say("1", "2", "3", "4", "5", "6", "7");
    const seen: Seen = new Map();
    const one = start(noting(seen));
    await one.settled();
    expect(contents(seen)).toEqual(["1", "2", "3", "4", "5", "6", "7"]);
    expect(await cursorOf()).toEqual({ version: 7, lease: null, failures: 0 });
    await say("8");
    one.changed(room);
    await until(() => contents(seen).length === 8);
    await stopAll();
  });

  test("a change that nobody told it of is found", async () => {
    const seen: Seen = new Map();
    const one = start(noting(seen));
    await one.settled();
    await say("1");
    await until(() => contents(seen).length === 1);
    await stopAll();
  });

  test("what changes in a busy room after a batch is handled together later", async () => {
    const batches: string[][] = [];
    const consumer = noting(new Map(), async (of, { changes }) => {
      if (of !== room) return;
      batches.push(changes.map(({ content }) => content));
      if (batches.length > 1) return;
      await say("2");
      one.changed(room);
    });
    await say("1");
    const one = start({ ...consumer, paceMs: 3_600_000 });
    await until(async () => (await cursorOf())?.lease === null);
    await say("3");
    one.changed(room);
    await one.settled();
    expect(batches).toEqual([["1"], ["2", "3"]]);
    await stopAll();
  });

  test("a message is handled in its latest state", async () => {
    const [first] = await say("wrong", "other");
    const edit = { ...post(at.ada, room, "right"), kind: "edit", id: first?.id ?? 0 } as const;
    acksOf(await at.store.commit(0, [edit], false));
    const seen: Seen = new Map();
    await start(noting(seen)).settled();
    expect(seen.get(room)).toEqual([
      { version: 2, content: "other" },
      { version: 3, content: "right" },
    ]);
    await stopAll();
  });

  test("a room that fails comes again from where it was, and holds nobody up", async () => {
    const good = room;
    await say("fine");
    const bad = (room = `b-${crypto.randomUUID()}`);
    await say("1", "2", "3", "4");
    let failures = 2;
    const seen: Seen = new Map();
    const one = start(
      noting(seen, (of, { changes }) => {
        if (of === bad && changes.some(({ content }) => content === "4") && failures-- > 0)
          throw new Error("not now");
      }),
    );
    await until(() => contents(seen, good).length === 1 && contents(seen, bad).length === 3);
    await until(async () => (await cursorOf(bad))?.version === 3);
    await until(() => contents(seen, bad).length === 4);
    expect(contents(seen, bad)).toEqual(["1", "2", "3", "4"]);
    await one.settled();
    expect(await cursorOf(bad)).toEqual({ version: 4, lease: null, failures: 0 });
    await stopAll();
  });

  test("a failing room waits longer each time", async () => {
    await say("1");
    const [leased] = (await claim()) as [Leased];
    await cursors.postpone(name, leased, 60_000);
    expect(await claim()).toEqual([]);
    expect(await cursors.due(name)).toEqual({ rooms: [], failing: 1 });
    await at.database.run((orm) =>
      rows(orm, sql`update cursors set due_at = clock_timestamp() where consumer = ${name}::text`),
    );
    expect((await cursors.due(name)).rooms).toHaveLength(1);
    expect(await claim()).toMatchObject([{ room, failures: 1 }]);
  });

  const claim = async (options = { limit: 10, leaseMs: 60_000 }) =>
    (await cursors.claim(name, { names: [room], ids: [] }, options)).leased;

  test("a lease that has ended is somebody else's, and the first one cannot move the cursor any more", async () => {
    await say("1", "2");
    const [dead] = (await claim({ limit: 10, leaseMs: 0 })) as [Leased];
    expect(await cursors.due(name)).toMatchObject({ rooms: [dead.roomId] });
    const [next] = (await claim()) as [Leased];
    expect(next).toMatchObject({ room, after: 0, counter: 2 });
    expect(await cursors.advance(name, dead, 2, { leaseMs: 60_000, release: true })).toBe(false);
    expect(await cursors.advance(name, next, 1, { leaseMs: 60_000, release: false })).toBe(true);
    expect(await claim()).toEqual([]);
    expect(await cursors.claim(name, { names: [room], ids: [] }, { limit: 10, leaseMs: 1 })).toEqual({
      leased: [],
      held: [next.roomId],
    });
    expect(await cursors.advance(name, next, 2, { leaseMs: 60_000, release: true })).toBe(true);
    expect(await cursorOf()).toEqual({ version: 2, lease: null, failures: 0 });
    // There is nothing to do.
    expect(await claim()).toEqual([]);
  });

  test("one that takes longer than its lease fails, and its changes come again", async () => {
    await say("1");
    let calls = 0;
    const seen: Seen = new Map();
    start(
      noting(seen, (of) => (of === room && ++calls === 1 ? new Promise(() => {}) : undefined)),
      50,
    );
    await until(() => contents(seen).length === 1);
    expect(calls).toBe(2);
    await stopAll();
  });

  test("killed at any point, nothing is left out, and what comes again comes with what follows it in order", async () => {
    await say(...Array.from({ length: 10 }, (_, n) => `${n + 1}`));
    // Each process ends at another step: after its claim, after handling a batch, or after moving the cursor.
    const seen: Seen = new Map();
    for (let step = 0; ; step++) {
      const consumer = noting(seen);
      const [leased] = await claim({ limit: 1, leaseMs: 0 });
      if (!leased) break;
      if (step % 3 === 0) continue;
      const batch = await consumer.read(leased, leased.after);
      await consumer.handle(leased, batch);
      if (step % 3 === 1) continue;
      await cursors.advance(name, leased, batch.upto, { leaseMs: 0, release: false });
    }
    expectInOrder(seen.get(room) ?? [], 10);
    expect(await cursorOf()).toMatchObject({ version: 10 });
  });

  test("two at once share the rooms, and a third of all attempts fails: all of it arrives, in order", async () => {
    const names = Array.from({ length: 8 }, (_, n) => `${n}-${crypto.randomUUID()}`);
    const seen: Seen = new Map();
    const working = new Set<string>();
    let turn = 0;
    let clashes = 0;
    const consumer = noting(seen, async (of) => {
      if (working.has(of)) clashes++;
      working.add(of);
      await Bun.sleep(0);
      working.delete(of);
      if (++turn % 3 === 0) throw new Error("one in three");
    });
    const both = [start(consumer), start(consumer)];
    for (let round = 0; round < 5; round++)
      for (const each of names) {
        acksOf(
          await at.store.commit(0, [post(at.ada, each, `${round}`), post(at.ben, each, "again")], false),
        );
        for (const one of both) one.changed(each);
      }
    await until(async () => {
      // Failures need not wait here.
      await at.database.run((orm) =>
        rows(
          orm,
          sql`update cursors set due_at = clock_timestamp() where consumer = ${name}::text and lease is null and due_at is not null`,
        ),
      );
      return names.every((each) => (seen.get(each) ?? []).some(({ version }) => version === 10));
    });
    expect(clashes).toBe(0);
    for (const each of names) expectInOrder(seen.get(each) ?? [], 10);
    await stopAll();
  });

  test("a stopped consumer leaves the rest to the next one", async () => {
    await say("1", "2", "3", "4");
    const seen: Seen = new Map();
    const first = Promise.withResolvers<void>();
    const one = start(noting(seen, () => first.resolve()));
    await first.promise;
    await one.stop();
    expect((await cursorOf())?.lease).toBeNull();
    await start(noting(seen)).settled();
    expectInOrder(seen.get(room) ?? [], 4);
    await stopAll();
  });

  test("a cursor beyond its room, which belongs to a lost history, begins again", async () => {
    await say("1", "2");
    const seen: Seen = new Map();
    const one = start(noting(seen));
    await one.settled();
    await at.database.run((orm) =>
      rows(orm, sql`update cursors set version = 1000 where consumer = ${name}::text`),
    );
    one.sweep();
    await one.settled();
    expect(contents(seen)).toEqual(["1", "2", "1", "2"]);
    expect(await cursorOf()).toMatchObject({ version: 2 });
    await stopAll();
  });

  test("starting again voids the lease of whoever is at work", async () => {
    await say("1");
    const [leased] = (await claim()) as [Leased];
    await cursors.restart(name);
    expect(await cursors.advance(name, leased, 1, { leaseMs: 1, release: true })).toBe(false);
    expect(await claim()).toMatchObject([{ after: 0 }]);
  });
});

/** Everything is there, and whatever comes again is followed by what came after it. */
function expectInOrder(changes: readonly { readonly version: number }[], last: number) {
  let upto = 0;
  changes.forEach(({ version }, n) => {
    // A batch begins again at or before the end, and never beyond it.
    expect(version).toBeLessThanOrEqual(upto + 1);
    const before = changes[n - 1];
    if (before && version > upto) expect(before.version).toBe(upto);
    upto = Math.max(upto, version);
  });
  expect(upto).toBe(last);
}
