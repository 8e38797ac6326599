import { type Clock, every } from "../../clock.ts";
import { Refusal } from "../../errors.ts";
import type { Message, RoomChange } from "../../message.ts";
import { UNSEEN_MAX } from "../limits.ts";
import { type Ack, type Change, changeKey, type Outcome } from "./change.ts";
import { CommitFailure, type Committed, type Store } from "../ports.ts";

/** A batch of posts to one room can be published at once, with some of what went before not in sight yet. */
const BATCH_BYTES = (UNSEEN_MAX * 3) / 4;
/** What a frame has beside names and text, about. */
const FRAME_BYTES = 230;
const QUEUE_CHANGES = 20_000;
const QUEUE_BYTES = 32 * 1024 * 1024;
/** A change that is older than this is answered, whatever becomes of it, in milliseconds. */
const DEADLINE_MS = 8_000;
const SWEEP_MS = 500;
const RETRY_MS = { first: 100, most: 1_000 } as const;
const BUSY_RETRY_MS = 1_000;

/** Of an edit, deletion or reaction the whole message is delivered, which is not known here. */
const bytesOf = (change: Change): number => {
  const text = "content" in change ? Buffer.byteLength(JSON.stringify(change.content)) : 0;
  return FRAME_BYTES + Buffer.byteLength(change.room) + Buffer.byteLength(change.username) + text;
};

export type Answer = (answer: Ack | Refusal) => void;

interface Pending {
  readonly change: Change;
  readonly key: string;
  /** Of the frame that it becomes, about. */
  readonly bytes: number;
  readonly since: number;
  readonly first: Answer;
  /** Who sent the same while it was under way. */
  joined: Answer[] | undefined;
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
  /** A change is submitted; answered, so many milliseconds later. Those that join one under way are changes too. */
  submitted(): void;
  answered(outcome: Ack | Refusal, ms: number): void;
  /** A range was committed; called after its changes were answered. */
  committed(change: RoomChange): void;
  /** A change turned out to have been committed before, in this room as this version. */
  repeated(room: string, version: number, epoch: string): void;
  /** A batch was committed: so many changes, in so many milliseconds. */
  measured(changes: number, ms: number): void;
  failed(failure: CommitFailure, changes: number): void;
}

/**
 * Group commit. Each lane commits one batch at a time, and what arrives meanwhile is the next batch: no timer, only
 * turns of the event loop. Every change is answered exactly once, within {@link DEADLINE_MS} and one sweep.
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
  const { store, clock, submitted, answered, committed, repeated, measured, failed } = options;
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

  const answer = (pending: Pending, outcome: Ack | Refusal, now = clock.monotonic()) => {
    if (pending.answered) return;
    pending.answered = true;
    underWay.delete(pending.key);
    const ms = now - pending.since;
    pending.first(outcome);
    answered(outcome, ms);
    if (pending.joined) {
      const again = outcome instanceof Refusal ? outcome : { ...outcome, duplicate: true };
      for (const also of pending.joined) {
        also(again);
        answered(again, ms);
      }
    }
    if (draining && underWay.size === 0) drained();
  };

  const publish = (batch: readonly Pending[], { epoch, outcomes }: Committed) => {
    const ranges = new Map<string, Range>();
    outcomes.forEach((outcome, index) => {
      const room = batch[index]?.change.room;
      if (room === undefined || "refused" in outcome) return;
      const { ack, state } = outcome;
      if (state === null) return repeated(room, ack.version, epoch);
      let range = ranges.get(room);
      if (!range) ranges.set(room, (range = { from: ack.version, to: ack.version, states: [] }));
      range.to = ack.version;
      range.states.push(state);
    });
    for (const [room, { from, to, states }] of ranges)
      committed({ epoch, room, from, to, states: lastOf(states) });
  };

  const settle = (batch: readonly Pending[], result: Committed) => {
    const now = clock.monotonic();
    batch.forEach((pending, index) => {
      const outcome = result.outcomes[index];
      if (outcome) answer(pending, answerOf(outcome), now);
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
      if (count > 0 && total > BATCH_BYTES) break;
      count++;
    }
    const batch = count === lane.queue.length ? lane.queue : lane.queue.slice(0, count);
    lane.queue = count === lane.queue.length ? [] : lane.queue.slice(count);
    for (const { bytes } of batch) lane.bytes -= bytes;
    return batch;
  };

  /** There is a whole batch to take. */
  const isFull = ({ bytes }: Lane) => bytes >= BATCH_BYTES;
  const turn = () => new Promise<void>((resolve) => clock.soon(resolve));

  async function run(lane: Lane): Promise<void> {
    lane.running = true;
    await turn(); // what else the sockets bring in this turn of the event loop comes along
    while (lane.queue.length > 0) {
      lane.batch = take(lane);
      await commit(lane, lane.batch, false);
      // In one turn the acks and the room's frames are written, in the next the sockets are read: who answers an ack by
      // saying more is in the next batch. Else senders part into groups that take turns, with twice the writes.
      for (let turns = 0; turns < 2 && !isFull(lane); turns++) await turn();
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
      submitted();
      const refuse = (refusal: Refusal) => {
        reply(refusal);
        answered(refusal, 0);
      };
      const key = changeKey(change);
      const same = underWay.get(key);
      if (same) {
        if (isSame(same.change, change)) (same.joined ??= []).push(reply);
        else refuse(new Refusal("client_id_reused"));
        return;
      }
      const lane = lanes[laneOf(change.room, lanes.length)] as Lane;
      if (draining || lane.queue.length >= QUEUE_CHANGES || lane.bytes >= QUEUE_BYTES)
        return refuse(new Refusal("busy", { retryAfterMs: BUSY_RETRY_MS }));
      const bytes = bytesOf(change);
      const since = clock.monotonic();
      const pending: Pending = {
        change,
        key,
        bytes,
        since,
        first: reply,
        joined: undefined,
        answered: false,
      };
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
  /** In the order of their versions. */
  readonly states: Message[];
}

/** A message that changed twice is published once, in its last state. Nearly always none did. */
function lastOf(states: readonly Message[]): readonly Message[] {
  if (states.every(({ id, version }) => id === version)) return states;
  const last = new Map(states.map((state) => [state.id, state]));
  return states.filter((state) => last.get(state.id) === state);
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
