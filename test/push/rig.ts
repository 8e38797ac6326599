import { sql } from "drizzle-orm";
import { systemClock } from "../../src/clock.ts";
import { pushConsumer } from "../../src/consumers/push.ts";
import { rows } from "../../src/db/database.ts";
import { createLog } from "../../src/log.ts";
import { createMetrics } from "../../src/metrics.ts";
import type { NewDevice, Post } from "../../src/push/ports.ts";
import { deviceId } from "../../src/push/push.ts";
import { type Sender, type SenderParts, startSender } from "../../src/push/sender.ts";
import { createPushKey, createVapid } from "../../src/push/vapid.ts";
import { createDeviceStore } from "../../src/store/pushdevices.ts";
import { createPushNoter } from "../../src/store/pushnews.ts";
import { createPushQueue } from "../../src/store/pushqueue.ts";
import type { TestDatabase } from "../support/database.ts";
import { posting, startPushService } from "../support/push-service.ts";
import { acksOf, post, type Stocked, stock } from "../chat/stocked.ts";

export const HOST = "https://push.example.com";

/** Pushes over a real database to a push service of its own. */
export async function rig(open: () => Promise<TestDatabase>) {
  const at = await stock(open);
  const { database, ada } = at;
  const service = startPushService();
  const vapid = await createVapid(await createPushKey(), "mailto:ops@example.com", systemClock);
  const metrics = createMetrics();
  const senders: Sender[] = [];
  const noter = createPushNoter(database);
  const devices = createDeviceStore(database);
  const consumer = pushConsumer(noter, systemClock);
  /** Whatever their host, the addresses of devices lead to the service. */
  const toService: Post = (url, ...rest) => posting()(service.url + new URL(url).pathname, ...rest);
  const run = <Row>(statement: ReturnType<typeof sql>) => database.run((orm) => rows<Row>(orm, statement));

  const tools = {
    ...at,
    service,
    noter,
    devices,
    vapid,
    metrics,
    run,
    queue: createPushQueue(database),
    toService,
    /** Subscribes a device. */
    async subscribe(
      userId: number,
      name: string,
      more: Partial<NewDevice> & { readonly host?: string } = {},
    ) {
      const { host = HOST, ...rest } = more;
      const endpoint = `${host}/${name}`;
      const { p256dh, auth } = service.device(name);
      const id = deviceId(endpoint);
      const about = { sessionId: null, grants: null, page: "", userAgent: "Test" };
      await devices.put({ ...about, id, endpoint, p256dh, auth, userId, ...rest });
      return id;
    },
    say: async (userId: number, room: string, ...contents: readonly string[]) => {
      const posts = contents.map((content) => post(userId, room, content));
      return acksOf(await at.store.commit(0, posts, false));
    },
    /** Makes people members of an open room. */
    join: async (room: string, ...userIds: readonly number[]) => {
      await at.store.commit(0, [post(ada, room, "hello")], false);
      for (const userId of userIds) await at.members.join([{ userId, room }]);
    },
    /** Lets the consumer see what is new in a room. */
    async note(room: string) {
      const [found] = await run<{ id: number; version: number }>(
        sql`select r.id::float8 as id, coalesce(c.version, 0)::float8 as version from rooms r
          left join cursors c on c.room_id = r.id and c.consumer = 'push' where r.name = ${room}`,
      );
      if (!found) throw new Error("no such room");
      const place = { roomId: found.id, room, after: found.version, counter: 0, upto: null };
      const leased = { ...place, failures: 0, failingMs: 0, lease: "" };
      const batch = await consumer.read(leased, found.version);
      await consumer.handle(leased, batch);
      await run(sql`insert into cursors (consumer, room_id, version) values ('push', ${found.id}, ${batch.upto})
        on conflict (consumer, room_id) do update set version = excluded.version`);
    },
    /** Lets everything that waits be due. */
    hurry: () =>
      run(sql`update pushes set due_at = clock_timestamp() - interval '1 millisecond' where lease is null`),
    /** Resolves once nothing is due any more. */
    async idle() {
      for (;;) {
        const [left] = await run<{ count: number }>(
          sql`select count(*)::int as count from pushes where due_at <= clock_timestamp() or lease is not null`,
        );
        if (left?.count === 0) return;
        await Bun.sleep(20);
      }
    },
    /** Notes what is new in a room, and sends it. */
    async push(room: string) {
      await tools.note(room);
      await tools.hurry();
      await tools.idle();
    },
    start(more: Partial<SenderParts> = {}): Sender {
      const sender = startSender({
        ...{ queue: tools.queue, devices, vapid, post: toService, metrics },
        ...{ content: true, page: "https://chat.example.com/", claimed: false },
        online: async () => new Set(),
        clock: systemClock,
        log: createLog("silent"),
        lookMs: 50,
        ...more,
      });
      senders.push(sender);
      return sender;
    },
    stopAll: () => Promise.all(senders.splice(0).map((sender) => sender.stop())),
    async close() {
      await tools.stopAll();
      service.stop();
      await database.close();
    },
    /** Commits what an operator decides. */
    decree: async (...rulings: Parameters<Stocked["store"]["commit"]>[1]) =>
      acksOf(await at.store.commit(0, rulings, true)),
  };
  return tools;
}

export type Rig = Awaited<ReturnType<typeof rig>>;
