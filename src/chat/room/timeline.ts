import type { Clock } from "../../clock.ts";
import { lengthOf, type Message, type RoomChange } from "../../message.ts";
import { UNSEEN_MAX } from "../limits.ts";
import { createPages, type SharedPage } from "./pages.ts";
import type { Page, Store } from "../ports.ts";

/** How long a later range waits for its elders before the database is asked, in milliseconds. */
const PATIENCE_MS = 20;
/** No frame of a message is smaller, in bytes. */
const FRAME_LEAST = 160;
/** Ranges that wait, at most; what is dropped is read from the database instead. */
const HELD_MAX = 1_000;

interface TimelineOptions {
  readonly room: string;
  readonly epoch: string;
  readonly store: Pick<Store, "changesSince" | "postsSince">;
  readonly clock: Clock;
  /**
   * Prepares a range for whoever is live in the room: each message once, by version. The answer publishes it. Nothing: it
   * is more than their sockets may have room for. `known`: the version released before; a message whose id lies beyond
   * is new to everyone here.
   */
  prepare(states: readonly Message[], known: number): (() => void) | undefined;
  /** The database was read because something was missing: so many messages were found. Or reading failed. */
  repaired(found: number, failure?: unknown): void;
  /** The database has another epoch than ours. */
  epochChanged(epoch: string): void;
  /**
   * More was missed than is delivered at once: takes off whoever is live, who stands at `released`. The answer, called
   * when that has moved on, lets them read what lies between.
   */
  overrun(): () => void;
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
  /** A page of what was missed after a version; readers that miss the same at nearly the same time share it. */
  changesSince(after: number): Promise<SharedPage>;
  postsSince(after: number): Promise<SharedPage>;
  stop(): void;
}

export function createTimeline(options: TimelineOptions): Timeline {
  const { room, epoch, store, clock, prepare, repaired, epochChanged, overrun } = options;
  let released = 0;
  let started = false;
  let stopped = false;
  let held: RoomChange[] = [];
  let noticed = 0;
  let cancelPatience: (() => void) | undefined;
  let reading: Promise<boolean> | undefined;

  /** Versions of another epoch must not be taken for ours. */
  const ours = (page: Page): Page => {
    if (page.epoch === epoch) return page;
    epochChanged(page.epoch);
    throw new Error("the database has another epoch");
  };

  const changes = createPages(clock, async (after) => ours(await store.changesSince(room, after)));
  const posts = createPages(clock, async (after) => ours(await store.postsSince(room, after)));
  const forgetPages = () => {
    changes.forget();
    posts.forget();
  };

  const forgetOutdated = (states: readonly Message[]) => {
    if (states.some(({ id, version }) => id !== version)) forgetPages();
  };

  const release = (states: readonly Message[], to: number) => {
    const known = released;
    const fresh = states.filter(({ version }) => version > known);
    forgetOutdated(fresh);
    // First: who has no room for it lags at what was released before. A change is small, but the whole message is
    // delivered: a batch of changes may be more than sockets take at once.
    const publish = prepare(fresh, known);
    if (!publish) return jump(Math.max(released, to));
    released = Math.max(released, to);
    publish();
  };

  const releaseHeld = () => {
    while (!reading) {
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

  const jump = (to: number) => {
    const readOn = overrun();
    released = to;
    forgetPages();
    readOn();
  };

  /**
   * What the database has after `released`, in as many pages as it takes, and released as one range: between two pages
   * a message may change again, and its state in the later page is then the only one.
   */
  async function read(): Promise<void> {
    const waiting = new Set(held);
    const states = new Map<number, Message>();
    let page: Page;
    let end = released;
    let bytes = 0;
    do {
      page = ours(await store.changesSince(room, end));
      if (stopped) return;
      for (const message of page.messages) {
        const overtaken = states.get(message.id);
        if (overtaken) bytes -= FRAME_LEAST + lengthOf(overtaken);
        states.set(message.id, message);
        bytes += FRAME_LEAST + lengthOf(message);
      }
      // At least so many: as a range it would be too large, and it is not gathered.
      if (bytes > UNSEEN_MAX) return jump(page.counter);
      end = page.end;
    } while (end < page.counter);
    const found = [...states.values()].filter(({ version }) => version > released);
    release(
      found.sort((a, b) => a.version - b.version),
      end,
    );
    // What was committed before this reading is released now; a range that is still ahead was never committed here.
    held = held.filter((change) => !waiting.has(change));
    noticed = Math.min(noticed, released);
    repaired(found.length);
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
      // While the database is read, what it answers may hold later states of what comes in: first that, then this.
      if (started && !reading && held.length === 0 && change.from <= released + 1) {
        release(change.states, change.to);
        if (noticed > 0) releaseHeld();
        return;
      }
      forgetOutdated(change.states);
      if (held.length < HELD_MAX) held.push(change);
      if (started) releaseHeld();
    },
    notice(version) {
      if (stopped || version <= released) return;
      noticed = Math.max(noticed, version);
      if (started) releaseHeld();
    },
    catchUp,
    changesSince: changes.since,
    postsSince: posts.since,
    stop() {
      stopped = true;
      cancelPatience?.();
      forgetPages();
    },
  };
}
