import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { systemClock } from "../../src/clock.ts";
import { runJournal, type RunningJournal } from "../../src/consumers/journal.ts";
import { createLog } from "../../src/log.ts";
import { createMetrics } from "../../src/metrics.ts";
import { createCursorStore } from "../../src/store/cursors.ts";
import { createJournal, createJournalStore, type Journal } from "../../src/store/journal.ts";
import { acksOf, post, type Stocked, stock } from "../chat/stocked.ts";
import { freshDatabase } from "../support/database.ts";
import { START_MS } from "../support/house.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

// What keeps the journal: nothing stays out of it, whoever was told of it, and whatever failed.

let at: Stocked;
let store: ReturnType<typeof createJournalStore>;
const running: RunningJournal[] = [];
beforeAll(async () => {
  at = await stock(freshDatabase);
  store = createJournalStore(at.database);
}, START_MS);
afterAll(async () => {
  await Promise.all(running.map((one) => one.stop()));
  await at.database.close();
});

const start = (journal: Journal, appended: (seq: number) => void = () => {}) => {
  const one = runJournal({
    ...{ journal, appended, clock: systemClock, metrics: createMetrics(), log: createLog("silent") },
    cursors: createCursorStore(at.database),
  });
  running.push(one);
  return one;
};
const say = async (room: string, ...contents: readonly string[]) =>
  acksOf(
    await at.store.commit(
      0,
      contents.map((content) => post(at.ada, room, content)),
      false,
    ),
  );
const versionsOf = async (room: string) => {
  const scope = { userId: null, room, patterns: [], membersOnly: false };
  const { events } = await store.read(scope, { seq: 0, version: 0 });
  return events.map(({ message }) => message.version);
};

test("what was there before the start, what it is told of, and what nobody tells it of are appended", async () => {
  await say("before", "1", "2");
  const heard: number[] = [];
  const one = start(createJournal(at.database), (seq) => void heard.push(seq));
  void one.wanted();
  await one.settled();
  expect(await versionsOf("before")).toEqual([1, 2]);
  await say("told", "1");
  one.changed("told");
  await until(async () => (await versionsOf("told")).length === 1);
  await say("untold", "1");
  await until(async () => (await versionsOf("untold")).length === 1);
  await one.stop();
  expect(heard).toEqual(heard.toSorted((a, b) => a - b));
  expect(heard.at(-1)).toBe((await store.end()).place.seq);
});

test("what could not be appended is appended later", async () => {
  const journal = createJournal(at.database);
  let failures = 2;
  const one = start({
    async append(rooms) {
      if (failures-- > 0) throw new Error("not now");
      return journal.append(rooms);
    },
  });
  void one.wanted();
  await say("late", "1");
  one.changed("late");
  await until(async () => (await versionsOf("late")).length === 1);
  expect(failures).toBeLessThan(0);
  await one.stop();
});

// On the embedded database each append once made commits half as fast, also if nobody ever read events.
test("nothing is appended at each commit while nobody reads, and a reader finds everything at once", async () => {
  let appends = 0;
  const journal = createJournal(at.database);
  const one = start({
    append(rooms) {
      appends++;
      return journal.append(rooms);
    },
  });
  await one.settled();
  await say("quiet", "1");
  one.changed("quiet");
  await until(() => appends === 1);
  for (let n = 2; n <= 20; n++) {
    await say("quiet", String(n));
    one.changed("quiet");
  }
  expect(appends).toBeLessThan(3);
  await one.wanted();
  expect(await versionsOf("quiet")).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  await one.stop();
});
