import { before, type Clock, within } from "../clock.ts";
import { faultOf } from "../errors.ts";
import { matches } from "../grants.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import type { CursorStore, Leased } from "../store/cursors.ts";
import { createQueue } from "./queue.ts";

/** How long a node has a room to itself, in milliseconds. Another one continues after a crash when it ends. */
const LEASE_MS = 30_000;
/** How often a consumer looks for what nobody told it of, in milliseconds. */
const LOOK_MS = 1_000;
/** How long it gathers changes before it begins, in milliseconds. */
const GATHER_MS = 200;
/** The time from one round to the next, in milliseconds, if the first left nothing: what changes meanwhile is one batch. */
const PACE_MS = 1_000;
/** Rooms that a consumer of one node works on at the same time, and rooms that it claims at once. */
const PLACES = 4;
const CLAIMED = 20;
/** Batches of one room, before others have their turn. */
const BATCHES = 10;
/** The longest rest after a batch that more batches follow, in milliseconds. */
const REST_MS = 500;
/** How long a room that failed waits for the next attempt, in milliseconds: twice as long each time. */
const RETRY_MS = { least: 1_000, most: 5 * 60_000 } as const;

const usualRetryMs = (failures: number) =>
  Math.min(RETRY_MS.most, RETRY_MS.least * 2 ** Math.min(failures, 20));

/** What a consumer handles at once. */
export interface Batch {
  /** It holds everything up to this version of the room. */
  readonly upto: number;
  /** How many changes it holds. */
  readonly size: number;
}

/**
 * What has to happen after changes are committed. For each room, a consumer gets everything that changed, in the room's
 * order: each message in its latest state, as clients get it. It gets a batch again if it failed, if its process ended
 * meanwhile, or if it took longer than its lease; so handling a batch twice must do no harm.
 */
export interface Consumer<B extends Batch> {
  /** Names its cursors: another name begins at the beginning. */
  readonly name: string;
  /** What metrics and the log call it. Defaults to its name. */
  readonly label?: string;
  /** Patterns of the rooms that it wants. Null: all. */
  readonly rooms?: readonly string[] | null;
  /** Whether a batch that comes again ends where it did before. That costs a statement for each batch. */
  readonly isFixed?: boolean;
  /** How often it looks for what nobody told it of, in milliseconds. Defaults to a second. */
  readonly lookMs?: number;
  /** How soon it comes back to a room that keeps changing, in milliseconds. Defaults to a second. */
  readonly paceMs?: number;
  /** How long a room waits after so many failures before this one, in milliseconds. */
  retryMs?(failures: number, error: unknown): number;
  /** A batch failed. Otherwise the log says so when a room fails for the first time. */
  failed?(room: Leased, error: unknown): void;
  /** Reads what changed in a room after a version, that of its cursor. If the room has an `upto`, the batch has to end there. */
  read(room: Leased, after: number): Promise<B>;
  /** Handles what was read. If it rejects, the same changes come again later; other rooms go on. */
  handle(room: Leased, batch: B): Promise<void>;
}

/** A consumer at work on this node. */
export interface Running {
  /** A room has changed. Costs nothing worth mentioning. */
  changed(room: string): void;
  /** Compares all rooms with their cursors soon: some changes may have gone unnoticed. */
  sweep(): void;
  /** Resolves once nothing is left that this node knows of. For tests and orderly ends. */
  settled(): Promise<void>;
  /** Stops when the batches at work are done. What is left is found by other nodes, or the next start. */
  stop(): Promise<void>;
}

export interface ConsumerParts {
  readonly cursors: CursorStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly leaseMs?: number;
  /** Rooms that it works on at the same time. */
  readonly places?: number;
}

/** Lets a consumer work for as long as this node runs. Any number of nodes may do so at once: they share the rooms. */
export function runConsumer<B extends Batch>(
  consumer: Consumer<B>,
  { cursors, clock, log, metrics, leaseMs = LEASE_MS, places = PLACES }: ConsumerParts,
): Running {
  const { name, label = name, rooms = null, retryMs = usualRetryMs } = consumer;
  const { lookMs = LOOK_MS, paceMs = PACE_MS } = consumer;
  const queue = createQueue(clock);
  /** Where the walk through all rooms continues, and whether it goes on without a pause until it has been through. */
  let after = 0;
  let sweeping = true;
  let stopped = false;
  let isFailing = false;
  /** How long it may rest: less while rooms wait to be tried again. */
  let restMs = lookMs;
  const shortMs = Math.min(LOOK_MS, lookMs);
  let wake = Promise.withResolvers<void>();
  /** Whether a pause follows the present round: it left nothing that it knew of, and nothing failed. */
  let pauses = true;
  /** Ends that pause. */
  let hurry = Promise.withResolvers<void>();
  const measured = metrics.watchConsumer(label, () => queue.stateOf());

  const isWanted = (room: string) => rooms === null || rooms.some((pattern) => matches(pattern, room));
  const sleep = (ms: number) => new Promise<void>((resolve) => void clock.after(ms, resolve));

  /** Handles a room. Resolves to whether there may be more to do. */
  async function work(claimed: Leased): Promise<boolean> {
    let room = claimed;
    try {
      for (let batches = 1; ; batches++) {
        const begun = clock.monotonic();
        const batch = await before(
          clock,
          leaseMs,
          handled(room),
          () => new Error("a batch took longer than its lease"),
        );
        if (!batch) return true;
        const isLast = batch.upto >= room.counter || batches === BATCHES || stopped;
        if (!(await cursors.advance(name, room, batch.upto, { leaseMs, release: isLast }))) return true;
        measured.handled(batch.size);
        if (isLast) return batch.upto < room.counter;
        room = { ...room, after: batch.upto, upto: null, failures: 0, failingMs: 0 };
        // Catching up takes half of the time at most, so that commits have the other half.
        await sleep(Math.min(REST_MS, clock.monotonic() - begun));
      }
    } catch (error) {
      measured.failed();
      pauses = false;
      restMs = shortMs;
      if (consumer.failed) consumer.failed(room, error);
      else if (room.failures === 0)
        log.warn(
          { event: "consumer_failed", consumer: label, room: room.room, fault: faultOf(error) },
          "what follows a change could not be done; it is tried again, and the room's later changes wait",
        );
      await cursors.postpone(name, room, retryMs(room.failures, error));
      return false;
    }
  }

  /** Reads and handles a batch; undefined if the lease has passed to someone else meanwhile. */
  async function handled(room: Leased): Promise<B | undefined> {
    const batch = await consumer.read(room, room.after);
    if (batch.size === 0) return batch;
    if (consumer.isFixed && !(await cursors.fix(name, room, batch.upto, leaseMs))) return undefined;
    await consumer.handle(room, batch);
    return batch;
  }

  /** Looks for rooms that nobody told this node of: ended leases, failures, and what is ahead of its cursor. */
  async function look(): Promise<void> {
    const { rooms: due, failing } = await cursors.due(name);
    measured.failing(failing);
    restMs = failing > 0 ? shortMs : lookMs;
    queue.found(due);
    do {
      const { behind, next } = await cursors.behind(name, after, rooms);
      queue.found(behind);
      after = next ?? 0;
      if (next === null) sweeping = false;
    } while (sweeping && !queue.isBusy && !stopped);
  }

  /** Claims rooms that wait, and handles them. */
  async function round(): Promise<void> {
    const wanted = queue.take(CLAIMED);
    pauses = !queue.isBusy;
    const { leased, held } = await cursors.claim(name, wanted, { limit: CLAIMED, leaseMs });
    // Whoever has them may have read them before the change that this node was told of.
    queue.later(held);
    if (held.length > 0) restMs = shortMs;
    const claimed = clock.monotonic();
    const waiting = leased.values();
    const place = async () => {
      for (const room of waiting) {
        // Others went before it for too long: its lease could end while it is handled.
        const isLate = clock.monotonic() - claimed > leaseMs / 2;
        if (isLate) await cursors.advance(name, room, room.after, { leaseMs, release: true });
        if (!isLate && !(await work(room))) continue;
        queue.found([room.roomId]);
        pauses = false;
      }
    };
    // All of them end before the next round begins, even if the database is away.
    const ended = await Promise.allSettled(Array.from({ length: places }, place));
    for (const one of ended) if (one.status === "rejected") throw one.reason;
  }

  /** Without the pause, a consumer of busy rooms would handle each message on its own, which takes longer than to commit it. */
  async function paced(): Promise<void> {
    const end = clock.monotonic() + paceMs;
    await round();
    if (!pauses || stopped || queue.isAwaited) return;
    await within(clock, Math.max(0, end - clock.monotonic()), hurry.promise);
    hurry = Promise.withResolvers();
  }

  async function run(): Promise<void> {
    let looked = -Infinity;
    while (!stopped) {
      try {
        // Also if there is always something to do: nobody else may know of a room that failed.
        if ((sweeping && !queue.isBusy) || clock.monotonic() - looked >= restMs) {
          await look();
          looked = clock.monotonic();
        }
        if (queue.isBusy && !stopped) await paced();
        isFailing = false;
      } catch (error) {
        if (!isFailing)
          log.warn(
            { event: "consumer_away", consumer: label, fault: faultOf(error) },
            "the database does not answer a consumer; it goes on when the database is back",
          );
        isFailing = true;
        // What was taken from the queue is found again.
        sweeping = true;
        await sleep(LOOK_MS);
      }
      if (queue.isBusy && !stopped) continue;
      queue.settle(!sweeping);
      if (stopped) break;
      await within(clock, restMs, wake.promise);
      wake = Promise.withResolvers();
      queue.retry();
      if (queue.isBusy && !stopped) await sleep(GATHER_MS);
    }
  }
  const running = run();

  return {
    changed(room) {
      if (isWanted(room) && queue.changed(room)) wake.resolve();
    },
    sweep() {
      sweeping = true;
      wake.resolve();
    },
    settled() {
      wake.resolve();
      hurry.resolve();
      return queue.settled();
    },
    async stop() {
      stopped = true;
      wake.resolve();
      hurry.resolve();
      await running;
      measured.stop();
    },
  };
}
