import type { Clock } from "./clock.ts";
import type { Config } from "./config/config.ts";
import { runConsumer } from "./consumers/consumer.ts";
import { pushConsumer } from "./consumers/push.ts";
import type { Database, Pool } from "./db/database.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { Outbound } from "./outbound/outbound.ts";
import { openPush } from "./push/open.ts";
import type { Push } from "./push/push.ts";
import type { SenderParts } from "./push/sender.ts";
import { createPushKey } from "./push/vapid.ts";
import type { CursorStore } from "./store/cursors.ts";
import { createDeviceStore, loadPushKey } from "./store/pushdevices.ts";
import { createPushNoter } from "./store/pushnews.ts";
import { createPushQueue } from "./store/pushqueue.ts";

interface PushingParts extends Pick<SenderParts, "online"> {
  readonly config: Config;
  readonly database: Database;
  readonly consumerPool: Pool;
  readonly cursors: CursorStore;
  /** Rooms that are worked on at the same time. */
  readonly places?: number;
  readonly outbound: Outbound;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Pushes on this node: what notes whom to tell of messages, and what tells them. */
export interface Pushing {
  readonly push: Push;
  /** A room has changed. */
  changed(room: string): void;
  /** Some changes may have gone unnoticed. */
  sweep(): void;
  /** A person has read a room up to a message. */
  read(userId: number, room: string, id: number): void;
  stop(): Promise<void>;
}

/** Starts pushes. Undefined if this installation sends none. */
export async function openPushing(parts: PushingParts): Promise<Pushing | undefined> {
  const { config, database, consumerPool, clock, outbound, online } = parts;
  if (config.PUSH_SUBJECT === undefined) return undefined;
  const noter = createPushNoter(consumerPool);
  await noter.begin(parts.cursors);
  const noting = runConsumer(pushConsumer(noter, clock), parts);
  const { push, read, stop } = await openPush({
    key: await loadPushKey(database, createPushKey),
    subject: config.PUSH_SUBJECT,
    devices: createDeviceStore(database),
    queue: createPushQueue(database),
    ...{ outbound, own: config.OUTBOUND_ALLOW ?? [] },
    online,
    content: config.PUSH_CONTENT === "on",
    page: config.PUBLIC_URL && new URL("/", config.PUBLIC_URL).href,
    claimed: config.ROOM_ACCESS === "claims",
    ...{ clock, log: parts.log, metrics: parts.metrics },
  });
  return {
    push,
    changed: noting.changed,
    sweep: noting.sweep,
    read,
    stop: async () => void (await Promise.all([noting.stop(), stop()])),
  };
}
