import { type Clock, every } from "../../clock.ts";
import { Refusal } from "../../errors.ts";
import type { Message, RoomChange } from "../../message.ts";
import { UNSEEN_MAX } from "../limits.ts";
import { type Ack, type Change, changeKey, refusalOf, targetOf } from "../change.ts";
import { CommitFailure, type Committed, type MessageStore } from "../ports.ts";
import { bytesOf } from "./weighing.ts";

/** A batch of posts to one room fits into one publish, even if earlier frames are still hidden in the sockets. */
const BATCH_BYTES = (UNSEEN_MAX * 3) / 4;
const QUEUE_CHANGES = 20_000;
const QUEUE_BYTES = 32 * 1024 * 1024;
/** Every change is answered within this time plus one sweep, whatever happens, in milliseconds. */
export const DEADLINE_MS = 8_000;
export const SWEEP_MS = 500;
const RETRY_MS = { first: 100, most: 1_000 } as const;
const BUSY_RETRY_MS = 1_000;

/** `state`: the message that everyone in the room gets for it, if it changed anything. */
export type Answer = (answer: Ack | Refusal, state?: Message) => void;

interface Pending {
  readonly change: Change;
  readonly key: string;
  readonly bytes: number;
  readonly since: number;
  readonly first: Answer;
  /** Callers that sent the same change while it was in flight. */
  joined: Answer[] | undefined;
  answered: boolean;
}

interface Lane {
  readonly index: number;
  queue: Pending[];
  bytes: number;
  /** The batch being committed, so that the sweep can answer it in time. */
  batch: readonly Pending[];
  running: boolean;
}

interface CommitterOptions {
  readonly store: Pick<MessageStore, "lanes" | "commit">;
  readonly clock: Clock;
  /** Called for each submitted change, including repeats that join one in flight. */
  submitted(): void;
  /** Called when a change was answered, `ms` milliseconds after it was submitted. */
  answered(outcome: Ack | Refusal, ms: number): void;
  /** Called with each committed range, after its changes were answered. */
  committed(change: RoomChange): void;
  /** Called if a change turns out to have been committed before, as this version. */
  repeated(room: string, version: number, epoch: string): void;
  /** Called after a batch was committed in `ms` milliseconds. */
  measured(changes: number, ms: number): void;
  failed(failure: CommitFailure, changes: number): void;
}

/**
 * Group commit. Each lane commits one batch at a time; changes that arrive meanwhile form the next batch. There is no
 * timer, only turns of the event loop. Every change is answered exactly once, within {@link DEADLINE_MS} and one sweep.
 */
export interface Committer {
  /** Changes that wait or are being committed. */
  readonly depth: number;
  /**
   * Commits a change and calls `answer` once, with the ack or a refusal: the rules' own, `busy` (nothing was
   * committed), `invalid` (nor ever will be) or `unavailable` (unknown: a retry with the same clientId settles it). A
   * repeat joins the change in flight.
   */
  submit(change: Change, answer: Answer): void;
  /** Answers a repeat with the change in flight. Returns false if it is not a repeat of one. */
  join(change: Change, answer: Answer): boolean;
  /** Refuses new changes with `busy`. Resolves when every accepted change is answered. */
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

  const answer = (pending: Pending, outcome: Ack | Refusal, now = clock.monotonic(), state?: Message) => {
    if (pending.answered) return;
    pending.answered = true;
    underWay.delete(pending.key);
    const ms = now - pending.since;
    pending.first(outcome, state);
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
      if (room === undefined || !outcome || "refused" in outcome) return;
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
      if (!outcome) return;
      if ("refused" in outcome) answer(pending, refusalOf(outcome), now);
      else answer(pending, outcome.ack, now, outcome.state ?? undefined);
    });
    publish(batch, result);
  };

  /** Retries until the outcome is known or until every waiting caller has been answered. */
  async function commit(lane: Lane, batch: readonly Pending[], careful: boolean): Promise<void> {
    let pause: number = RETRY_MS.first;
    for (let rest = batch; rest.length > 0; rest = rest.filter(({ answered }) => !answered)) {
      const begun = clock.monotonic();
      const changes = rest.map(({ change }) => change);
      try {
        const result = await store.commit(lane.index, changes, careful);
        measured(rest.length, clock.monotonic() - begun);
        settle(rest, result);
        if (!result.outcomes.includes(null)) return;
        // What was fenced off comes before the lane's next batch, which may have later posts of the same rooms.
        const isNew = !careful;
        careful = true;
        if (isNew) continue;
        failed(new CommitFailure("unknown", new Error("a change has no outcome")), rest.length);
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

  /** One row of the batch is invalid: commits the batch in halves, in order, until that row is alone. */
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

  const isFull = ({ bytes }: Lane) => bytes >= BATCH_BYTES;
  const turn = () => new Promise<void>((resolve) => clock.soon(resolve));

  async function run(lane: Lane): Promise<void> {
    lane.running = true;
    await turn(); // include whatever else the sockets deliver in this turn of the event loop
    while (lane.queue.length > 0) {
      lane.batch = take(lane);
      await commit(lane, lane.batch, false);
      // Acks and frames are written in one turn, and sockets are read in the next: senders that react to an ack stay in
      // one batch. Otherwise they split into groups that take turns, with twice the writes.
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

  const refuse = (reply: Answer, refusal: Refusal) => {
    reply(refusal);
    answered(refusal, 0);
  };

  const join = (change: Change, reply: Answer, key = changeKey(change)): boolean => {
    const same = underWay.get(key);
    if (!same) return false;
    submitted();
    if (isSame(same.change, change)) (same.joined ??= []).push(reply);
    else refuse(reply, new Refusal("client_id_reused"));
    return true;
  };

  return {
    join,
    get depth() {
      return underWay.size;
    },
    submit(change, reply) {
      const key = changeKey(change);
      if (join(change, reply, key)) return;
      submitted();
      const lane = lanes[laneOf(change.room, lanes.length)] as Lane;
      if (draining || lane.queue.length >= QUEUE_CHANGES || lane.bytes >= QUEUE_BYTES)
        return refuse(reply, new Refusal("busy", { retryAfterMs: BUSY_RETRY_MS }));
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
  /** By version. */
  readonly states: Message[];
}

/** Keeps the last state of each message, so that one that changed twice is published once. Usually none did. */
function lastOf(states: readonly Message[]): readonly Message[] {
  if (states.every(({ id, version }) => id === version)) return states;
  const last = new Map(states.map((state) => [state.id, state]));
  return states.filter((state) => last.get(state.id) === state);
}

/** Whether two changes with the same key are one change, sent twice. */
const isSame = (one: Change, other: Change) =>
  one.kind === other.kind &&
  (!("id" in one) || !("id" in other) || one.id === other.id) &&
  targetOf(one) === targetOf(other);

/** Returns the room's lane, by FNV-1a. */
function laneOf(room: string, lanes: number): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < room.length; index++)
    hash = Math.imul(hash ^ room.charCodeAt(index), 0x01000193);
  return (hash >>> 0) % lanes;
}
