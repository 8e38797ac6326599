// How fast one webhook gets what happens, and what an event costs the server: bun bench/webhooks.ts [events] [rooms]
// The receiver is a process of its own. Set TEST_DATABASE_URL to measure with Postgres.

import { openHooks } from "../src/hooks/open.ts";
import { systemClock } from "../src/clock.ts";
import { createLog } from "../src/log.ts";
import { createMetrics } from "../src/metrics.ts";
import { createOutbound } from "../src/outbound/outbound.ts";
import { createCursorStore } from "../src/store/cursors.ts";
import { HOOK_CHANGES } from "../src/store/hooks.ts";
import { acksOf, post, stock } from "../test/chat/stocked.ts";
import { freshDatabase, postgresDatabase } from "../test/support/database.ts";
import { ORDER } from "../test/support/order.ts";
import { startReceiver } from "./receiver.ts";

const [events = 20_000, rooms = 20] = process.argv.slice(2).map(Number);
const BATCH = 100;

const { url, received, stop } = await startReceiver();

const at = await stock(process.env.TEST_DATABASE_URL ? postgresDatabase : freshDatabase);
const hooks = openHooks({
  ...{ database: at.database, cursors: createCursorStore(at.database), epoch: at.epoch },
  outbound: createOutbound({ clock: systemClock, allow: ["127.0.0.1"] }),
  ...{ clock: systemClock, log: createLog("silent"), metrics: createMetrics() },
});
const settings = { name: "bench", url, rooms: ["*"], changes: [...HOOK_CHANGES], mentions: null };
const { hook } = await hooks.create(settings, ORDER);
await hooks.change(hook.id, { state: "paused" }, ORDER);

for (let from = 0; from < events; from += BATCH) {
  const room = `room-${(from / BATCH) % rooms}`;
  const posts = Array.from({ length: BATCH }, (_, n) =>
    post(at.ada, room, `message ${from + n} of this bench`),
  );
  acksOf(await at.store.commit(0, posts, false));
}

const cpu = process.cpuUsage();
const begun = performance.now();
await hooks.change(hook.id, { state: "on" }, ORDER);
while ((await received()).changes < events) await Bun.sleep(50);
const seconds = (performance.now() - begun) / 1000;
const { user, system } = process.cpuUsage(cpu);
const { bytes } = await received();
console.log({
  driver: at.database.driver,
  events,
  rooms,
  perSecond: Math.round(events / seconds),
  cpuMicrosecondsPerEvent: Math.round((user + system) / events),
  bytesPerEvent: Math.round(bytes / events),
});
await hooks.stop();
await at.database.close();
stop();
process.exit();
