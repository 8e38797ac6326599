import { type Clock, every } from "../clock.ts";
import { Refusal } from "../errors.ts";
import type { Message, RoomChange } from "../message.ts";
import { type Ack, type Change, changeKey, type Outcome } from "./change.ts";
import { CommitFailure, type Committed, type Store } from "./ports.ts";

const BATCH_CHANGES = 1_000;
/** A batch is released in one tick, and what is released in one tick must fit under the sockets' hard limit. */
const BATCH_BYTES = 128 * 1024;
const QUEUE_CHANGES = 20_000;
const QUEUE_BYTES = 32 * 1024 * 1024;
/** A change that is older than this is answered, whatever becomes of it, in milliseconds. */
const DEADLINE_MS = 8_000;
const SWEEP_MS = 500;
const RETRY_MS = { first: 100, most: 1_000 } as const;
const BUSY_RETRY_MS = 1_000;

export type Answer = (answer: Ack | Refusal) => void;

interface Pending {
  readonly change: Change;
  readonly key: string;
  /** Of its content. */
  readonly bytes: number;
  readonly since: number;
  readonly answers: Answer[];
  answered: boolean;
}

interface Lane {
  readonly index: number;
  queue: Pending[];
  bytes: number;
  /** What is being committed, so that it can be answered in time. */
  batch: readonly Pending[];
  running: boolean;
}

interface CommitterOptions {
  readonly store: Pick<Store, "lanes" | "commit">;
  readonly clock: Clock;
  /** A range was committed; called after its changes were answered. */
  committed(change: RoomChange): void;
  /** A change turned out to have been committed before, in this room as this version. */
  repeated(room: string, version: number, epoch: string): void;
  /** A batch was committed: so many changes, in so many milliseconds. */
  measured(changes: number, ms: number): void;
  failed(failure: CommitFailure, changes: number): void;
}

/**
 * Group commit. Each lane commits one batch at a time, and what arrives meanwhile is the next batch: no artificial
 * delay. Every change is answered exactly once, within {@link DEADLINE_MS} and one sweep.
 */
export interface Committer {
  /** Changes waiting or under way. */
  readonly depth: number;
  /**
   * Commits a change, and then answers: with its ack, or with a refusal: what the rules say, `busy` (nothing was
   * committed), `invalid` (nor ever will be), `unavailable` (not known; the same clientId settles it). The same change
   * under way is joined.
   */
  submit(change: Change, answer: Answer): void;
  /** Takes no more changes (`busy`); settles when each one that was taken is answered. */
  drain(): Promise<void>;
}

export function createCommitter(options: CommitterOptions): Committer {
  const { store, clock, committed, repeated, measured, failed } = options;
  const lanes: Lane[] = Array.from({ length: store.lanes }, (_, index) => ({
    index,
    queue: [],
    bytes: 0,
    batch: [],
    running: false,
  }));
  const underWay = new Map<string, Pending>();
  let draining = false;
  let drained = () => {};

  const answer = (pending: Pending, outcome: Ack | Refusal) => {
    if (pending.answered) return;
    pending.answered = true;
    underWay.delete(pending.key);
    const [first, ...joined] = pending.answers;
    first?.(outcome);
    for (const also of joined) also(outcome instanceof Refusal ? outcome : { ...outcome, duplicate: true });
    if (draining && underWay.size === 0) drained();
  };

  const publish = (batch: readonly Pending[], { epoch, outcomes }: Committed) => {
    const ranges = new Map<string, Range>();
    outcomes.forEach((outcome, index) => {
      const room = batch[index]?.change.room;
      if (room === undefined || "refused" in outcome) return;
      const { ack, state } = outcome;
      if (state === null) return repeated(room, ack.version, epoch);
      const range = ranges.get(room) ?? { from: ack.version, to: ack.version, states: new Map() };
      ranges.set(room, range);
      range.to = ack.version;
      // A message that changed twice is published once; taken out first, it moves to its new place in the order.
      range.states.delete(state.id);
      range.states.set(state.id, state);
    });
    for (const [room, { from, to, states }] of ranges)
      committed({ epoch, room, from, to, states: [...states.values()] });
  };

  const settle = (batch: readonly Pending[], result: Committed) => {
    batch.forEach((pending, index) => {
      const outcome = result.outcomes[index];
      if (outcome) answer(pending, answerOf(outcome));
    });
    publish(batch, result);
  };

  /** Commits until the outcome is known, or until everyone who waits for it has been answered. */
  async function commit(lane: Lane, batch: readonly Pending[], careful: boolean): Promise<void> {
    let pause: number = RETRY_MS.first;
    for (let rest = batch; rest.length > 0; rest = rest.filter(({ answered }) => !answered)) {
      const begun = clock.monotonic();
      const changes = rest.map(({ change }) => change);
      try {
        const result = await store.commit(lane.index, changes, careful);
        measured(rest.length, clock.monotonic() - begun);
        return settle(rest, result);
      } catch (error) {
        const failure = error instanceof CommitFailure ? error : new CommitFailure("unknown", error);
        const expected = failure.kind === "duplicate" && !careful;
        careful ||= failure.kind !== "invalid";
        if (expected) continue;
        failed(failure, rest.length);
        if (failure.kind === "invalid") return split(lane, rest, careful);
      }
      await new Promise<void>((resolve) => clock.after(pause, resolve));
      pause = Math.min(pause * 2, RETRY_MS.most);
    }
  }

  /** Some row of the batch is at fault: halves, in their order, until it stands alone. */
  async function split(lane: Lane, batch: readonly Pending[], careful: boolean): Promise<void> {
    const [only] = batch;
    if (batch.length === 1 && only) return answer(only, new Refusal("invalid"));
    const middle = Math.ceil(batch.length / 2);
    await commit(lane, batch.slice(0, middle), careful);
    await commit(lane, batch.slice(middle), careful);
  }

  const take = (lane: Lane): readonly Pending[] => {
    let total = 0;
    let count = 0;
    for (const { bytes } of lane.queue) {
      total += bytes;
      if (count > 0 && (count >= BATCH_CHANGES || total > BATCH_BYTES)) break;
      count++;
    }
    const batch = count === lane.queue.length ? lane.queue : lane.queue.slice(0, count);
    lane.queue = count === lane.queue.length ? [] : lane.queue.slice(count);
    for (const { bytes } of batch) lane.bytes -= bytes;
    return batch;
  };

  async function run(lane: Lane): Promise<void> {
    lane.running = true;
    while (lane.queue.length > 0) {
      lane.batch = take(lane);
      await commit(lane, lane.batch, false);
    }
    lane.batch = [];
    lane.running = false;
  }

  const sweep = () => {
    const limit = clock.monotonic() - DEADLINE_MS;
    for (const lane of lanes) {
      for (const pending of lane.batch) {
        if (pending.since < limit)
          answer(pending, new Refusal("unavailable", { retryAfterMs: BUSY_RETRY_MS }));
      }
      while (lane.queue[0] && lane.queue[0].since < limit) {
        const pending = lane.queue.shift() as Pending;
        lane.bytes -= pending.bytes;
        answer(pending, new Refusal("busy", { retryAfterMs: BUSY_RETRY_MS }));
      }
    }
  };
  const stopSweeping = every(clock, SWEEP_MS, sweep);

  return {
    get depth() {
      return underWay.size;
    },
    submit(change, reply) {
      const key = changeKey(change);
      const same = underWay.get(key);
      if (same) {
        if (isSame(same.change, change)) same.answers.push(reply);
        else reply(new Refusal("client_id_reused"));
        return;
      }
      const lane = lanes[laneOf(change.room, lanes.length)] as Lane;
      if (draining || lane.queue.length >= QUEUE_CHANGES || lane.bytes >= QUEUE_BYTES)
        return reply(new Refusal("busy", { retryAfterMs: BUSY_RETRY_MS }));
      const bytes = "content" in change ? Buffer.byteLength(change.content) : 0;
      const pending = { change, key, bytes, since: clock.monotonic(), answers: [reply], answered: false };
      underWay.set(key, pending);
      lane.queue.push(pending);
      lane.bytes += bytes;
      if (!lane.running) void run(lane);
    },
    async drain() {
      draining = true;
      if (underWay.size > 0) await new Promise<void>((resolve) => (drained = resolve));
      stopSweeping();
    },
  };
}

interface Range {
  readonly from: number;
  to: number;
  /** By message, in the order of their versions. */
  readonly states: Map<number, Message>;
}

const answerOf = (outcome: Outcome): Ack | Refusal =>
  "refused" in outcome ? new Refusal(outcome.refused) : outcome.ack;

/** Whether two changes with one key are the same one, sent twice. */
const isSame = (one: Change, other: Change) =>
  one.kind === other.kind && (one.kind === "post" || other.kind === "post" || one.id === other.id);

/** FNV-1a: which lane a room belongs to. */
function laneOf(room: string, lanes: number): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < room.length; index++)
    hash = Math.imul(hash ^ room.charCodeAt(index), 0x01000193);
  return (hash >>> 0) % lanes;
}
