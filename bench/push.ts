import { createECDH, randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import { sql } from "drizzle-orm";
import { systemClock } from "../src/clock.ts";
import { runConsumer } from "../src/consumers/consumer.ts";
import { pushConsumer } from "../src/consumers/push.ts";
import { rows } from "../src/db/database.ts";
import { createLog } from "../src/log.ts";
import { createMetrics } from "../src/metrics.ts";
import { createOutbound } from "../src/outbound/outbound.ts";
import { encrypt } from "../src/push/encrypt.ts";
import { openPush } from "../src/push/open.ts";
import { createPushKey } from "../src/push/vapid.ts";
import { createCursorStore } from "../src/store/cursors.ts";
import { createDeviceStore } from "../src/store/pushdevices.ts";
import { createPushNoter } from "../src/store/pushnews.ts";
import { createPushQueue } from "../src/store/pushqueue.ts";
import { acksOf, post, stock } from "../test/chat/stocked.ts";
import { freshDatabase, postgresDatabase } from "../test/support/database.ts";

// What pushes cost, and what the members of a busy room feel of a thousand who are away. The push service is another process,
// over plain HTTP: a real one adds an encrypted connection for each push.

const { values } = parseArgs({ options: { members: { type: "string", default: "1000" } } });
const MEMBERS = Number(values.members);
const SERVICE = `
  let count = 0;
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", async fetch(request) {
    if (request.method === "GET") return new Response(String(count));
    await request.bytes();
    count++;
    return new Response(null, { status: 201 });
  } });
  console.log(server.port);`;

const child = Bun.spawn([process.execPath, "-e", SERVICE], { stdout: "pipe" });
const { value } = await child.stdout.getReader().read();
const service = `http://127.0.0.1:${new TextDecoder().decode(value).trim()}`;
const arrived = async () => Number(await (await fetch(service)).text());

const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
const quantile = (sorted: readonly number[], q: number) =>
  (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0).toFixed(1);

const keys = Array.from({ length: 20 }, () => {
  const pair = createECDH("prime256v1");
  pair.generateKeys();
  return { p256dh: pair.getPublicKey("base64url"), auth: randomBytes(16).toString("base64url") };
});

const [text, device] = [new TextEncoder().encode("x".repeat(300)), keys[0] ?? { p256dh: "", auth: "" }];
for (let n = 0; n < 200; n++) await encrypt(text, device);
let [begun, cpu] = [performance.now(), cpuMs()];
for (let n = 0; n < 2_000; n++) await encrypt(text, device);
console.log(
  `encryption: ${((performance.now() - begun) / 2).toFixed(0)} µs each, ${((cpuMs() - cpu) / 2).toFixed(0)} µs of CPU`,
);

const at = await stock(process.env.TEST_DATABASE_URL ? postgresDatabase : freshDatabase);
const { database } = at;
const run = <Row>(statement: ReturnType<typeof sql>) => database.run((orm) => rows<Row>(orm, statement));
const [log, metrics] = [createLog("silent"), createMetrics()];
const noter = createPushNoter(database);
const outbound = createOutbound({ clock: systemClock, allow: ["127.0.0.1"] });
const room = "busy";
const say = async () => acksOf(await at.store.commit(0, [post(at.ada, room, "hello")], false));
await say();
await run(
  sql`insert into users (username, username_fold) select 'm' || n, 'm' || n from generate_series(1, ${MEMBERS}::int) n`,
);
await run(
  sql`insert into members (user_id, room_id) select u.id, r.id from users u, rooms r where u.username ~ '^m[0-9]' and r.name = ${room}`,
);

/** Posts for some seconds, one message after another with a pause. Returns the times of the commits. */
async function talk(ms: number): Promise<number[]> {
  const times: number[] = [];
  for (const end = performance.now() + ms; performance.now() < end;) {
    const at = performance.now();
    await say();
    times.push(performance.now() - at);
    await Bun.sleep(10);
  }
  return times.sort((one, other) => one - other);
}
const report = (what: string, times: readonly number[]) =>
  console.log(
    `${what}: ${times.length} commits, median ${quantile(times, 0.5)} ms, 99% ${quantile(times, 0.99)} ms, worst ${quantile(times, 1)} ms`,
  );

await talk(2_000);
report("a busy room, nobody has devices", await talk(10_000));

for (const [n, { p256dh, auth }] of keys.entries())
  await run(sql`insert into push_devices (id, user_id, endpoint, p256dh, auth)
    select 'd' || id, id, ${service} || '/' || id, ${p256dh}, ${auth} from users where username ~ '^m[0-9]' and id % 20 = ${n}`);
const cursors = createCursorStore(database);
await noter.begin(cursors);
const noting = runConsumer(pushConsumer(noter, systemClock), { cursors, clock: systemClock, log, metrics });
const pushing = await openPush({
  ...{ key: await createPushKey(), subject: "mailto:ops@example.com", outbound, own: ["127.0.0.1"] },
  ...{ devices: createDeviceStore(database), queue: createPushQueue(database) },
  ...{ online: async () => new Set<number>(), content: true, page: undefined, claimed: false },
  ...{ clock: systemClock, log, metrics },
});

[begun, cpu] = [performance.now(), cpuMs()];
await say();
noting.changed(room);
await noting.settled();
const [noted] = await run<{ count: number }>(sql`select count(*)::int as count from pushes`);
console.log(`noting: ${noted?.count} devices ${(performance.now() - begun).toFixed(0)} ms after the message`);
while ((await arrived()) === 0) await Bun.sleep(5);
const first = performance.now();
while ((await arrived()) < MEMBERS) await Bun.sleep(20);
const seconds = (performance.now() - first) / 1000;
console.log(
  `sending: ${MEMBERS} pushes in ${seconds.toFixed(1)} s, ${(MEMBERS / seconds).toFixed(0)} a second, ${((cpuMs() - cpu) / MEMBERS).toFixed(2)} ms of CPU each; the last one ${((performance.now() - begun) / 1000).toFixed(1)} s after the message`,
);

const before = await arrived();
const watch = setInterval(() => noting.changed(room), 20);
await run(sql`update pushes set pushed_at = now() - interval '1 hour'`);
report(`a busy room, ${MEMBERS} members are away`, await talk(10_000));
clearInterval(watch);
console.log(`meanwhile: ${(await arrived()) - before} pushes`);

await noting.stop();
await pushing.stop();
await database.close();
child.kill();
