import { type Clock, within } from "../clock.ts";
import { faultOf } from "../errors.ts";
import { Buckets, Meter } from "../limits/buckets.ts";
import { isGranted } from "../grants.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { deliver, type Delivery, type Sending } from "./deliver.ts";
import { messagePayload, type PayloadOptions, readPayload, topicOf } from "./payload.ts";
import {
  type Claimed,
  type DeviceStore,
  type Facts,
  GAP_MS,
  type Outcome,
  type Post,
  type PushQueue,
} from "./ports.ts";
import { quietFor } from "./quiet.ts";
import { createServices } from "./services.ts";
import type { Vapid } from "./vapid.ts";

/** How long a node has a row to itself, in milliseconds. Longer than any request takes. */
const LEASE_MS = 60_000;
/**
 * Pushes at work on one node, how many it takes at once, and the pause before it takes more, in milliseconds. Commits on the
 * embedded database wait for what one round reads.
 */
const PLACES = 64;
const ROUND = 20;
const PAUSE_MS = 100;
/** Of those, for one person, and how long others wait then, in milliseconds: somebody's own hosts may be as slow as they like. */
const EACH = 8;
const BUSY_MS = 500;
/** How often a node looks for what is due, in milliseconds. */
const LOOK_MS = 1_000;
/** Someone with an open socket may read a message there. Their devices are told if they have not after this time, in milliseconds. */
export const ONLINE_MS = 60_000;
/** What is late by more than this is not sent any more, in milliseconds: the server was down. */
const LATE_MS = 10 * 60_000;
/** How many pushes one person gets, per second and at once, over all rooms and devices. */
const BUDGET = { rate: 0.5, burst: 30 } as const;
/** How long a failed push waits, in milliseconds: twice as long each time. Then it is given up. */
const RETRY_MS = { least: 2_000, most: 10 * 60_000, times: 10 } as const;
/** How long requests may take when the server stops, in milliseconds. */
const STOP_MS = 2_000;

/** Push services that require each push to show something: Safari ends subscriptions that do not. */
const MUST_SHOW = /(?:^|\.)push\.apple\.com$/;

export interface SenderParts extends PayloadOptions {
  readonly queue: PushQueue;
  readonly devices: Pick<DeviceStore, "gone">;
  readonly vapid: Vapid;
  /** Whether people may read only what the `rooms` claims of their tokens allow. */
  readonly claimed: boolean;
  readonly post: Post;
  /** Returns those of some people who have an open socket on any node. */
  online(userIds: readonly number[]): Promise<ReadonlySet<number>>;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "pushes" | "pushSeconds">;
  readonly lookMs?: number;
}

export interface Sender {
  /** Stops when what is being sent is done. The rest is left to other nodes, or the next start. */
  stop(): Promise<void>;
}

/** Sends what is due, for as long as this node runs. Any number of nodes may do so at once: they share the rows. */
export function startSender(parts: SenderParts): Sender {
  const { queue, devices, clock, log, metrics, lookMs = LOOK_MS } = parts;
  const services = createServices(clock);
  const budget = new Buckets<number>(new Meter(BUDGET, metrics.pushes.of("held")), () => {});
  const working = new Set<Promise<void>>();
  /** Pushes at work for each person. */
  const atWork = new Map<number, number>();
  let settled: (readonly [Claimed, Outcome])[] = [];
  let stopped = false;
  let isFailing = false;
  let refusedBy = "";
  let wake = Promise.withResolvers<void>();

  const sleep = (ms: number) => new Promise<void>((resolve) => void clock.after(ms, resolve));
  const counted = (outcome: string) => void metrics.pushes.of(outcome).count++;

  async function flush(): Promise<void> {
    const done = settled;
    settled = [];
    if (done.length > 0) await queue.settle(done);
  }

  /** What a push service said about a push, for its row. */
  async function outcomeOf(row: Claimed, facts: Facts, said: Delivery, begun: number): Promise<Outcome> {
    if (typeof said === "object") {
      counted("failed");
      const times = row.messageId > row.shownId ? RETRY_MS.times : 3;
      if (row.failures + 1 >= times) return { kind: "done" };
      const backoff = Math.min(RETRY_MS.most, RETRY_MS.least * 2 ** row.failures) * (0.5 + Math.random() / 2);
      return { kind: "later", ms: Math.max(said.retryMs ?? 0, backoff), failed: true };
    }
    counted(said);
    if (said === "gone") await devices.gone([row.deviceId]);
    if (said === "refused" && refusedBy !== serviceOf(facts)) {
      refusedBy = serviceOf(facts);
      log.warn({ event: "push_refused", service: refusedBy }, "a push service refuses pushes of this server");
    }
    if (said !== "sent") return { kind: "done" };
    metrics.pushSeconds.observe((row.lateMs + clock.monotonic() - begun) / 1000);
    const isPrompt = facts.kind === "direct" || facts.message?.mentioned;
    return facts.message
      ? { kind: "shown", messageId: facts.message.id, gapMs: isPrompt ? GAP_MS.prompt : GAP_MS.usual }
      : { kind: "done" };
  }

  async function send(row: Claimed, facts: Facts, sendings: readonly Sending[]): Promise<void> {
    let outcome: Outcome = { kind: "later", ms: RETRY_MS.least, failed: true };
    const origin = serviceOf(facts);
    const begun = clock.monotonic();
    let said: Delivery = "too_large";
    for (const sending of sendings)
      if (said === "too_large") said = await deliver(facts.device, sending, parts);
    services.ended(origin, typeof said === "object" && said.isDown);
    try {
      outcome = await outcomeOf(row, facts, said, begun);
    } finally {
      settled.push([row, outcome]);
    }
  }

  /** What to do about a row. A list: what to send, in turn, until one is not too large. */
  function decide(row: Claimed, facts: Facts | undefined, here: ReadonlySet<number>): Outcome | Sending[] {
    if (!facts || row.lateMs > LATE_MS) return { kind: "done" };
    const { message, room, userId } = facts;
    if (facts.grants ? !isGranted(facts.grants, room, "read") : parts.claimed) return { kind: "done" };
    const topic = topicOf(row.deviceId, row.roomId);
    if (!message) {
      if (row.shownId === 0 || MUST_SHOW.test(new URL(facts.device.endpoint).hostname))
        return { kind: "done" };
      return [{ payload: readPayload(room, row.shownId), topic, urgency: "low" }];
    }
    // An earlier message takes the place of one that was deleted.
    if (message.id === row.shownId) return { kind: "done" };
    const quietMs = quietFor(facts.quiet, clock.now());
    const waitMs = Math.max(quietMs, here.has(userId) ? ONLINE_MS - row.wantedMs : 0);
    if (waitMs > 0) return { kind: "later", ms: waitMs, failed: false };
    const urgency = facts.kind === "direct" || message.mentioned ? "high" : "normal";
    return [false, true].map((bare) => ({
      payload: messagePayload({ ...facts, message }, parts, bare),
      topic,
      urgency,
    }));
  }

  /** Takes what is due, and begins to send it. Resolves to how many rows there were. */
  async function round(): Promise<number> {
    const rows = await queue.claim(Math.min(ROUND, PLACES - working.size), LEASE_MS);
    if (rows.length === 0) return 0;
    const facts = await queue.facts(rows);
    const waiting = rows.flatMap((row) => {
      const found = row.wantedMs < ONLINE_MS && facts.get(row);
      return found ? [found.userId] : [];
    });
    const here = waiting.length > 0 ? await parts.online([...new Set(waiting)]) : new Set<number>();
    for (const row of rows) {
      const found = facts.get(row);
      const decided = decide(row, found, here);
      if (!Array.isArray(decided)) settled.push([row, decided]);
      else if (found) begin(row, found, decided);
    }
    return rows.length;
  }

  function begin(row: Claimed, facts: Facts, sendings: readonly Sending[]): void {
    const origin = serviceOf(facts);
    const { userId } = facts;
    const taken = atWork.get(userId) ?? 0;
    const busy = taken >= EACH ? BUSY_MS : services.wait(origin);
    const wait = busy || budget.spend(clock.monotonic(), userId, 1);
    if (wait > 0) return void settled.push([row, { kind: "later", ms: wait, failed: false }]);
    services.began(origin);
    atWork.set(userId, taken + 1);
    const work = send(row, facts, sendings).catch((error: unknown) =>
      log.warn(
        { event: "push_failed", fault: faultOf(error) },
        "a push could not be noted; it is sent again",
      ),
    );
    working.add(work);
    void work.finally(() => {
      working.delete(work);
      const left = (atWork.get(userId) ?? 1) - 1;
      if (left > 0) atWork.set(userId, left);
      else atWork.delete(userId);
      wake.resolve();
    });
  }

  async function run(): Promise<void> {
    while (!stopped) {
      let found = 0;
      wake = Promise.withResolvers();
      try {
        await flush();
        if (working.size < PLACES) found = await round();
        await flush();
        isFailing = false;
      } catch (error) {
        if (!isFailing)
          log.warn(
            { event: "push_away", fault: faultOf(error) },
            "the database does not answer; pushes wait until it is back",
          );
        isFailing = true;
        await sleep(LOOK_MS);
      }
      await sleep(PAUSE_MS);
      if (found === 0 && settled.length === 0 && !stopped) await within(clock, lookMs, wake.promise);
    }
    await within(clock, STOP_MS, Promise.all(working));
    await flush().catch(() => {}); // Their leases end, and they are sent again.
  }
  const running = run();

  return {
    async stop() {
      stopped = true;
      wake.resolve();
      await running;
    },
  };
}

const serviceOf = ({ device }: Facts) => new URL(device.endpoint).origin;
