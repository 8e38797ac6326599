import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { sql } from "drizzle-orm";
import type { Change } from "../../src/chat/change.ts";
import { type EventScope, type Place, START } from "../../src/chat/eventports.ts";
import { type Pool, rows } from "../../src/db/database.ts";
import { createJournal, createJournalStore, type Journal } from "../../src/store/journal.ts";
import { acksOf, onEachDriver, post, type Stocked, stock } from "../chat/stocked.ts";
import { START_MS } from "../support/house.ts";

setDefaultTimeout(60_000);

// The order of everything that happens, whoever appends to it and reads it at the same time. On each driver.

const ALL: EventScope = { userId: null, patterns: [], membersOnly: false };
const ids = { ids: [] };

onEachDriver((open) => {
  let at: Stocked;
  let journal: Journal;
  let store: ReturnType<typeof createJournalStore>;
  let closeOther: () => Promise<void>;
  let other: Journal;

  beforeAll(async () => {
    at = await stock(open);
    const second: (Pool & { close(): Promise<void> }) | undefined =
      at.database.driver === "pglite" ? undefined : await at.database.again();
    closeOther = async () => second?.close();
    [journal, other] = [createJournal(at.database), createJournal(second ?? at.database)];
    store = createJournalStore(at.database);
  }, START_MS);
  afterAll(async () => {
    await closeOther();
    await at.database.close();
  });

  const commit = async (changes: readonly Change[]) => acksOf(await at.store.commit(0, changes, false));
  const say = (room: string, ...contents: readonly string[]) =>
    commit(contents.map((content) => post(at.ada, room, content)));
  const edit = (room: string, id: number, content: string) =>
    commit([{ ...post(at.ada, room, content), kind: "edit", id } as const]);
  const fresh = () => `j-${crypto.randomUUID()}`;
  const roomsOf = (...names: readonly string[]) => ({ names, ...ids });

  /** Reads from a place to the end. */
  async function readOn(from: Place, scope = ALL) {
    const events = [];
    let place = from;
    for (;;) {
      const page = await store.read(scope, place);
      events.push(...page.events);
      place = page.end;
      if (!page.more) return { events, place };
    }
  }

  test("what changed is appended once, and read in the order of its room", async () => {
    const { place } = await store.end();
    const room = fresh();
    await say(room, "1", "2");
    expect(await journal.append(roomsOf(room))).toMatchObject({ versions: 2 });
    expect(await journal.append(roomsOf(room))).toEqual({ seq: null, versions: 0 });
    await edit(room, 1, "one");
    await journal.append(roomsOf(room));
    const { events } = await readOn(place);
    expect(events.map(({ message }) => [message.version, message.content])).toEqual([
      [2, "2"],
      [3, "one"],
    ]);
  });

  test("a change that is not in the journal yet takes nothing away from what is", async () => {
    const { place } = await store.end();
    const room = fresh();
    await say(room, "1", "2");
    await journal.append(roomsOf(room));
    await edit(room, 2, "two");
    const { events, place: next } = await readOn(place);
    expect(events.map(({ message }) => message.version)).toEqual([1]);
    await journal.append(roomsOf(room));
    expect((await readOn(next)).events.map(({ message }) => message.version)).toEqual([3]);
  });

  test("a reader may stop after each event and goes on with the next one", async () => {
    const { place } = await store.end();
    const names = [fresh(), fresh(), fresh()];
    for (const room of names) {
      await say(room, "1", "2", "3", "4");
      await edit(room, 2, "two");
    }
    await journal.append(roomsOf(...names));
    const { events } = await readOn(place);
    expect(events).toHaveLength(12);
    for (const [index, event] of events.entries())
      expect((await readOn(event.place)).events).toEqual(events.slice(index + 1));
  });

  test("a long range and large messages are read in parts, and nothing twice", async () => {
    const { place } = await store.end();
    const room = fresh();
    await say(room, ...Array.from({ length: 700 }, (_, index) => String(index)));
    await say(room, ...Array.from({ length: 20 }, (_, index) => `${index} ${"x".repeat(30_000)}`));
    await journal.append(roomsOf(room));
    const first = await store.read(ALL, place);
    expect(first.events.length).toBeLessThanOrEqual(500);
    expect(first.more).toBe(true);
    const { events } = await readOn(place);
    expect(events.map(({ message }) => message.version)).toEqual(
      Array.from({ length: 720 }, (_, index) => index + 1),
    );
  });

  test("rooms are chosen by name and by pattern, and what is left out is passed", async () => {
    const { place } = await store.end();
    const [one, two] = [`${fresh()}-a`, `${fresh()}-b`];
    await say(one, "1");
    await say(two, "2");
    await journal.append(roomsOf(one, two));
    const of = async (scope: Partial<EventScope>) => {
      const { events, place: end } = await readOn(place, { ...ALL, ...scope });
      expect(end).toEqual((await store.end()).place);
      return events.map(({ room }) => room);
    };
    expect(await of({ room: two })).toEqual([two]);
    expect(await of({ patterns: [["j-*-a", "k-*"]] })).toEqual([one]);
    expect(await of({ patterns: [["j-*"], ["*-b"]] })).toEqual([two]);
    expect(await of({ patterns: [[]] })).toEqual([]);
  });

  test("no row appears before another with a smaller number, whoever appends", async () => {
    const names = Array.from({ length: 12 }, fresh);
    const { place } = await store.end();
    /** The last number that was there, and rows that came later with a smaller one. */
    let last = place.seq;
    let writing = true;
    const wrong: number[] = [];
    const watch = async () => {
      while (writing) {
        const seen = await at.database.run((orm) =>
          rows<{ seq: number }>(
            orm,
            sql`select seq::float8 as seq from journal where seq > ${last}::bigint order by seq`,
          ),
        );
        for (const { seq } of seen) {
          if (seq !== last + 1) wrong.push(seq);
          last = seq;
        }
      }
    };
    const write = async (one: Journal, own: readonly string[]) => {
      for (let round = 0; round < 6; round++)
        for (const room of own) {
          await say(room, String(round));
          await one.append(roomsOf(room));
        }
    };
    const watching = watch();
    await Promise.all([
      write(journal, names.slice(0, 6)),
      write(other, names.slice(6)),
      write(other, names.slice(3, 8)),
    ]);
    writing = false;
    await watching;
    expect(wrong).toEqual([]);
    const { events } = await readOn(place);
    for (const room of names) {
      const versions = events.filter((event) => event.room === room).map(({ message }) => message.version);
      expect(versions).toEqual(Array.from({ length: versions.length }, (_, index) => index + 1));
    }
    expect(events).toHaveLength(6 * (6 + 6 + 5));
  });

  test("the notice of a deletion is told, and nothing of the life that it ended", async () => {
    const room = fresh();
    await say(room, "1", "2");
    await journal.append(roomsOf(room));
    await at.database.run((orm) =>
      rows(
        orm,
        sql`with r as (update rooms set deleted_at = now(), version = 3, begins_after = 3 where name = ${room}::text returning id)
          insert into messages (room_id, id, version, sender_id, client_id, content, created_at, notice)
          select id, 3, 3, ${at.ada}::bigint, gen_random_uuid(), '', now(), '{"type": "deleted", "users": []}' from r`,
      ),
    );
    await journal.append(roomsOf(room));
    const { events } = await readOn(START, { ...ALL, room });
    expect(events.map(({ message }) => [message.version, message.notice?.type])).toEqual([[3, "deleted"]]);
  });
});
