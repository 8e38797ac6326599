import type { Clock } from "../../clock.ts";
import { lengthOf, type Message, type RoomChange } from "../../message.ts";
import { UNSEEN_MAX } from "../limits.ts";
import { fenceAfter, isTorn, type Standing, takesRights } from "./fences.ts";
import { createPages, type SharedPage } from "./pages.ts";
import type { MessageStore, Page } from "../ports.ts";
import { createWaiters } from "./waiters.ts";

/** How long a range waits for the ones before it until the timeline reads the database, in milliseconds. */
const PATIENCE_MS = 20;
/** The smallest frame of a message, in bytes. */
const FRAME_LEAST = 160;
/** The most ranges that wait. Others are dropped and read later. */
const HELD_MAX = 1_000;

interface TimelineOptions {
  readonly room: string;
  readonly epoch: string;
  readonly store: Pick<MessageStore, "changesSince" | "postsSince">;
  readonly clock: Clock;
  /**
   * Prepares a range for the live readers of the room: each message once, by version. Returns a function that publishes
   * it, or undefined if it might not fit into their sockets. `known` is the version released before: messages with a
   * later id are new to everyone here.
   */
  prepare(states: readonly Message[], known: number): (() => void) | undefined;
  /** Called right after a notice was published that takes a right from someone, before anything later is. */
  noticed(notice: Message): void;
  /** Suspends every reader of the room: the fence moved, and nobody here knows why. */
  suspend(): void;
  /** Called after the database was read to fill a gap, with the number of messages found or the error. */
  repaired(found: number, failure?: unknown): void;
  /** Called after more had been released than the database has. */
  setBack(from: number, to: number): void;
  /** Called if the database has a different epoch. */
  epochChanged(epoch: string): void;
  /**
   * Takes all live readers, who have everything up to `released`, off the topic, because more was missed than can be
   * published at once. Returns a function to call after `released` has moved: it lets them page what is between.
   */
  overrun(): () => void;
}

/**
 * Releases one room's versions in order, each once, whatever order they arrive in.
 *
 * A range that continues `released` is released at once. A later one waits briefly for the ones before it; then the
 * timeline reads everything after `released` from the database. So the order does not depend on the bus, and ranges that
 * the bus lost are found by the next range or the next check of the room's counter.
 */
export interface Timeline {
  readonly room: string;
  readonly epoch: string;
  /** The last version that was released to readers here. */
  readonly released: number;
  /** The room's fence at that version or later. No reader here has a pass from before it. */
  readonly fence: number;
  /** The last version at which the room's title or settings may have changed: `joined` is not followed by that notice. */
  readonly noted: number;
  /** Starts at the room's counter and its fence, with the ranges that were added meanwhile. */
  start(counter: number, fence: number): void;
  /** Takes a committed range from this node or another. */
  add(change: RoomChange): void;
  /** Takes note that the database may have this version, and makes sure that it is released if it does. */
  notice(version: number): void;
  /**
   * Takes the room's counter and fence, which were read after `before` had been released. If one is lower, another node was
   * wrong about a range: the timeline goes back to what the database has confirmed, and its readers start again from there.
   */
  confirm(room: Standing, before: Standing): void;
  /** Resolves once this version was released, or the timeline has stopped. */
  reached(version: number): Promise<void>;
  /** How often the timeline went back. */
  readonly setbacks: number;
  /** Reads the database up to the room's counter. Resolves to false if it could not be read. */
  catchUp(): Promise<boolean>;
  /** Returns a page of changes after a version. Readers that need the same page at nearly the same time share it. */
  changesSince(after: number): Promise<SharedPage>;
  postsSince(after: number): Promise<SharedPage>;
  stop(): void;
}

export function createTimeline(options: TimelineOptions): Timeline {
  const { room, epoch, store, clock, repaired, setBack, epochChanged } = options;
  const waiters = createWaiters();
  let released = 0;
  let fence = 0;
  let started = false;
  let stopped = false;
  let held: RoomChange[] = [];
  let noticed = 0;
  let noted = 0;
  /** Up to here the database has confirmed what was released. */
  let confirmed = 0;
  let setbacks = 0;
  let cancelPatience: (() => void) | undefined;
  let reading: Promise<boolean> | undefined;
  /** Rejects pages of another epoch, whose versions mean something else. */
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

  /** Releases a range in parts: after each notice that takes a right, readers may have less before the rest is published. */
  const release = (states: readonly Message[], to: number) => {
    const end = Math.max(released, to);
    let rest = states.filter(({ version }) => version > released);
    forgetOutdated(rest);
    if (isTorn(rest, released)) return jump(end, fenceAfter(rest, fence));
    do {
      const at = rest.findIndex(takesRights);
      const part = at === -1 ? rest : rest.slice(0, at + 1);
      const notice = rest[at];
      rest = rest.slice(part.length);
      // Before `released` moves: a reader without room for these messages, which are whole, lags from the old position.
      const publish = options.prepare(part, released);
      if (!publish) return jump(end, fenceAfter([...part, ...rest], fence));
      released = rest.length > 0 && notice ? notice.version : end;
      noted = part.findLast((message) => message.notice)?.version ?? noted;
      publish();
      if (!notice) break;
      fence = fenceAfter([notice], fence);
      options.noticed(notice);
    } while (rest.length > 0 && !stopped);
    waiters.wake(released);
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

  const jump = (to: number, newFence: number, goesBack = false) => {
    const readOn = options.overrun();
    released = noted = to;
    forgetPages();
    if (goesBack || newFence !== fence) moveFence(newFence);
    readOn();
    waiters.wake(to);
  };

  const moveFence = (to: number) => {
    fence = to;
    options.suspend();
  };

  /**
   * Reads everything after `released`, in pages, and releases it as one range. A message that changes between two pages
   * keeps only its state in the later one.
   */
  async function read(): Promise<void> {
    const waiting = new Set(held);
    const begun = setbacks;
    const states = new Map<number, Message>();
    let page: Page;
    let end = released;
    let bytes = 0;
    do {
      page = ours(await store.changesSince(room, end));
      if (stopped || setbacks !== begun) return;
      for (const message of page.messages) {
        const overtaken = states.get(message.id);
        if (overtaken) bytes -= FRAME_LEAST + lengthOf(overtaken);
        states.set(message.id, message);
        bytes += FRAME_LEAST + lengthOf(message);
      }
      // `bytes` is a lower bound: the range cannot fit, so readers page it from the database.
      if (bytes > UNSEEN_MAX) {
        confirmed = page.counter;
        return jump(page.counter, page.fence);
      }
      end = page.end;
    } while (end < page.counter);
    const missing = [...states.values()].filter(({ version }) => version > released);
    const found = missing.sort((a, b) => a.version - b.version);
    release(found, end);
    // Everything committed before this read is released now. A held range that is still ahead is of no known commit.
    held = held.filter((change) => !waiting.has(change));
    confirmed = Math.max(confirmed, end);
    noticed = Math.min(noticed, released);
    if (page.fence > fence && !stopped) moveFence(page.fence);
    repaired(found.length);
  }

  const notice = (version: number) => {
    if (stopped || version <= released) return;
    noticed = Math.max(noticed, version);
    if (started) releaseHeld();
  };

  function catchUp(): Promise<boolean> {
    reading ??= read()
      .then(() => true)
      // The database is away. Drop what is held: the next check of the counter finds it again.
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
    get fence() {
      return fence;
    },
    get noted() {
      return noted;
    },
    get setbacks() {
      return setbacks;
    },
    start(counter, roomFence) {
      released = confirmed = noted = counter;
      fence = roomFence;
      started = true;
      releaseHeld();
    },
    add(change) {
      if (stopped || change.to <= released) return;
      // A read in flight may return later states than this range has, so it is released first.
      if (started && !reading && held.length === 0 && change.from <= released + 1) {
        release(change.states, change.to);
        if (noticed > 0) releaseHeld();
        return;
      }
      forgetOutdated(change.states);
      if (held.length < HELD_MAX) held.push(change);
      if (started) releaseHeld();
    },
    notice,
    confirm({ released: counter, fence: roomFence }, before) {
      if (stopped || !started) return;
      if (counter >= before.released && roomFence >= before.fence) {
        confirmed = Math.max(confirmed, before.released);
        // Every notice up to this counter was released, so the fence moved without one.
        if (counter <= released && roomFence > fence) moveFence(roomFence);
        return notice(counter);
      }
      setbacks++;
      confirmed = Math.min(confirmed, counter);
      held = [];
      noticed = 0;
      jump(confirmed, roomFence, true);
      setBack(before.released, counter);
      notice(counter);
    },
    async reached(version) {
      if (stopped || version <= released) return;
      const reached = waiters.until(version);
      notice(version);
      await reached;
    },
    catchUp,
    changesSince: changes.since,
    postsSince: posts.since,
    stop() {
      stopped = true;
      cancelPatience?.();
      forgetPages();
      waiters.wake(Infinity);
    },
  };
}
