import type { Clock } from "../clock.ts";
import type { Message, RoomChange } from "../message.ts";
import type { Page, Store } from "./ports.ts";

/** How long a later range waits for its elders before the database is asked, in milliseconds. */
const PATIENCE_MS = 20;
/** Ranges that wait, at most; what is dropped is read from the database instead. */
const HELD_MAX = 1_000;

interface TimelineOptions {
  readonly room: string;
  readonly epoch: string;
  readonly store: Pick<Store, "changesSince" | "postsSince">;
  readonly clock: Clock;
  /** Hands one message to whoever is live in the room; `prev` is the version released before it. */
  deliver(message: Message, prev: number): void;
  /** The database was read because something was missing: so many messages were found. Or reading failed. */
  repaired(found: number, failure?: unknown): void;
  /** The database has another epoch than ours. */
  epochChanged(epoch: string): void;
}

/**
 * One room's versions, released in order, each once, whatever order they come in.
 *
 * A range that continues what was released is released at once; a later one waits a little for its elders, then the
 * database is asked for everything after `released`. So the order holds though no bus promises one, and what a bus
 * lost is found by whatever comes next: another range, or a look at the room's counter.
 */
export interface Timeline {
  readonly room: string;
  readonly epoch: string;
  /** The last version that was delivered here. */
  readonly released: number;
  /** Begins at the room's counter, with what was added meanwhile. */
  start(counter: number): void;
  /** Takes a committed range, of our own or another node's. */
  add(change: RoomChange): void;
  /** The database has this version: sees to it that it comes to be released. */
  notice(version: number): void;
  /** Reads the database up to its counter. False: it could not be read. */
  catchUp(): Promise<boolean>;
  /** A page of what was missed after a version; readers that miss the same at the same time share one query. */
  changesSince(after: number): Promise<Page>;
  postsSince(after: number): Promise<Page>;
  stop(): void;
}

export function createTimeline(options: TimelineOptions): Timeline {
  const { room, epoch, store, clock, deliver, repaired, epochChanged } = options;
  let released = 0;
  let started = false;
  let stopped = false;
  let held: RoomChange[] = [];
  let noticed = 0;
  let cancelPatience: (() => void) | undefined;
  let reading: Promise<boolean> | undefined;

  const release = (messages: readonly Message[], to: number) => {
    for (const message of messages) {
      if (message.version <= released) continue;
      const prev = released;
      // Before the delivery: whoever is taken off the live feed by it stands behind this message.
      released = message.version;
      deliver(message, prev);
      if (stopped) return;
    }
    released = Math.max(released, to);
  };

  const releaseHeld = () => {
    for (;;) {
      held = held.filter(({ to }) => to > released);
      const next = held.find(({ from }) => from <= released + 1);
      if (!next || stopped) break;
      release(next.states, next.to);
    }
    if (held.length === 0 && noticed <= released) {
      cancelPatience?.();
      cancelPatience = undefined;
    } else if (!cancelPatience && !reading) {
      cancelPatience = clock.after(PATIENCE_MS, () => {
        cancelPatience = undefined;
        void catchUp();
      });
    }
  };

  async function read(): Promise<void> {
    const waiting = new Set(held);
    let found = 0;
    for (;;) {
      const page = await store.changesSince(room, released);
      if (stopped) return;
      if (page.epoch !== epoch) return epochChanged(page.epoch);
      found += page.messages.filter(({ version }) => version > released).length;
      release(page.messages, page.end);
      if (page.end >= page.counter) break;
    }
    // What was committed before this reading is released now; a range that is still ahead was never committed here.
    held = held.filter((change) => !waiting.has(change));
    noticed = Math.min(noticed, released);
    repaired(found);
  }

  function catchUp(): Promise<boolean> {
    reading ??= read()
      .then(() => true)
      // The database is away: what is held would be kept for nothing, the next look at the counter finds it again.
      .catch((failure: unknown) => {
        held = [];
        noticed = 0;
        repaired(0, failure);
        return false;
      })
      .finally(() => {
        reading = undefined;
        if (!stopped) releaseHeld();
      });
    return reading;
  }

  /** Versions of another epoch must not be taken for ours. */
  const ours = (page: Page): Page => {
    if (page.epoch === epoch) return page;
    epochChanged(page.epoch);
    throw new Error("the database has another epoch");
  };
  const changesSince = shared(async (after) => ours(await store.changesSince(room, after)));
  const postsSince = shared(async (after) => ours(await store.postsSince(room, after)));

  return {
    room,
    epoch,
    get released() {
      return released;
    },
    start(counter) {
      released = counter;
      started = true;
      releaseHeld();
    },
    add(change) {
      if (stopped || change.to <= released) return;
      if (started && held.length === 0 && change.from <= released + 1) {
        release(change.states, change.to);
        if (noticed > 0) releaseHeld();
        return;
      }
      if (held.length < HELD_MAX) held.push(change);
      if (started) releaseHeld();
    },
    notice(version) {
      if (stopped || version <= released) return;
      noticed = Math.max(noticed, version);
      if (started) releaseHeld();
    },
    catchUp,
    changesSince,
    postsSince,
    stop() {
      stopped = true;
      cancelPatience?.();
    },
  };
}

/** Joins calls with the same argument while one of them is under way. */
function shared<T>(read: (after: number) => Promise<T>): (after: number) => Promise<T> {
  const underWay = new Map<number, Promise<T>>();
  return (after) => {
    let page = underWay.get(after);
    if (!page) {
      page = read(after).finally(() => underWay.delete(after));
      underWay.set(after, page);
    }
    return page;
  };
}
