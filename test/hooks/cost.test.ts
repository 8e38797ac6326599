import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { systemClock } from "../../src/clock.ts";
import { openHooks } from "../../src/hooks/open.ts";
import { createLog } from "../../src/log.ts";
import { createMetrics } from "../../src/metrics.ts";
import { createOutbound } from "../../src/outbound/outbound.ts";
import { createCursorStore } from "../../src/store/cursors.ts";
import { HOOK_CHANGES } from "../../src/store/hooks.ts";
import { createMessageStore } from "../../src/store/messages.ts";
import { acksOf, post, type Stocked, stock } from "../chat/stocked.ts";
import { countingStatements } from "../support/counted.ts";
import { freshDatabase } from "../support/database.ts";
import { START_MS } from "../support/house.ts";
import { ORDER } from "../support/order.ts";
import { until } from "../support/until.ts";
import { startReceiver } from "./receiver.ts";

setDefaultTimeout(60_000);

// What webhooks cost those who post.

let at: Stocked;
beforeAll(async () => {
  at = await stock(freshDatabase);
}, START_MS);
afterAll(() => at.database.close());

test("a post runs the same statements with ten webhooks on its room as with none, and the news of it runs none", async () => {
  const [own, ofHooks]: [string[], string[]] = [[], []];
  const counted = countingStatements(at.database, own);
  const store = createMessageStore(counted, counted);
  /** Commits a post on each path, and returns the statements that it took. */
  const committed = async () => {
    own.length = 0;
    acksOf(await store.commit(0, [post(at.ada, "lobby", "hello")], false));
    const fast = own.splice(0);
    acksOf(await store.commit(0, [post(at.ada, "lobby", "hello")], true));
    return { fast, careful: own.splice(0) };
  };
  await committed(); // it may create the room
  const without = await committed();
  expect(without.fast).toHaveLength(1);

  const database = countingStatements(at.database, ofHooks);
  const hooks = openHooks({
    ...{ database, cursors: createCursorStore(database), epoch: at.epoch },
    outbound: createOutbound({ clock: systemClock, allow: ["127.0.0.1"] }),
    ...{ clock: systemClock, log: createLog("silent"), metrics: createMetrics() },
  });
  const receiver = startReceiver();
  const settings = { name: "x", url: receiver.url, changes: [...HOOK_CHANGES], mentions: null };
  for (let count = 0; count < 10; count++) await hooks.create({ ...settings, rooms: ["*"] }, ORDER);

  expect(await committed()).toEqual(without);
  const before = ofHooks.length;
  hooks.running.changed("lobby");
  expect(ofHooks).toHaveLength(before);
  await until(() => new Set(receiver.got.map(({ id }) => id)).size >= 10);

  // Webhooks that are not on ask the database for nothing.
  for (const { id } of await hooks.all()) await hooks.change(id, { state: "paused" }, ORDER);
  await hooks.running.settled();
  ofHooks.length = 0;
  acksOf(await store.commit(0, [post(at.ada, "lobby", "hello again")], false));
  hooks.running.changed("lobby");
  await hooks.running.settled();
  expect(ofHooks.filter((text) => /\b(cursors|messages)\b/.test(text))).toEqual([]);
  await hooks.stop();
  await receiver.stop();
});
