/** The source of time, which simulations replace. All times are in milliseconds. */
export interface Clock {
  /** Returns wall-clock time since 1970. */
  now(): number;
  /** Returns monotonic time, for measuring durations. Its zero is arbitrary. */
  monotonic(): number;
  /** Runs `task` once after `ms`. Returns a function that cancels it. */
  after(ms: number, task: () => void): () => void;
  /** Runs `task` after this turn of the event loop. */
  soon(task: () => void): void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, task) {
    const timer = setTimeout(task, ms);
    return () => clearTimeout(timer);
  },
  soon: (task) => void setImmediate(task),
};

/** How long work holds up everything else before it lets others run, in milliseconds. */
const SLICE_MS = 4;

/** Returns a function to await between the steps of long work: it lets others run if the work has held them up. */
export function slicing(clock: Pick<Clock, "monotonic" | "soon">): () => Promise<void> | undefined {
  let since = clock.monotonic();
  return () => {
    if (clock.monotonic() - since < SLICE_MS) return undefined;
    return new Promise((resolve) => {
      clock.soon(() => {
        since = clock.monotonic();
        resolve();
      });
    });
  };
}

/** Runs `task` every `ms`, counted from the end of the previous run. Returns a function that stops it. */
export function every(clock: Clock, ms: number, task: () => void | Promise<void>): () => void {
  let stopped = false;
  let cancel = () => {};
  const schedule = () => {
    if (!stopped) cancel = clock.after(ms, () => void Promise.resolve(task()).finally(schedule));
  };
  schedule();
  return () => {
    stopped = true;
    cancel();
  };
}

/**
 * Does the same with work that may fail. `failed` gets a failure, and no further ones until the work has succeeded again.
 */
export function tryEvery(
  clock: Clock,
  ms: number,
  work: () => Promise<void>,
  failed: (error: unknown) => void,
): () => void {
  let isFailing = false;
  return every(clock, ms, async () => {
    try {
      await work();
      isFailing = false;
    } catch (error) {
      if (!isFailing) failed(error);
      isFailing = true;
    }
  });
}

/** Resolves when `work` settles or after `ms`, whichever comes first. */
export function within(clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = clock.after(ms, resolve);
  work.finally(cancel).then(
    () => resolve(),
    () => resolve(),
  );
  return promise;
}

/** Settles like `work`, or rejects with `late()` after `ms`, whichever comes first. The work itself goes on. */
export const before = <T>(clock: Clock, ms: number, work: Promise<T>, late: () => unknown): Promise<T> =>
  new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => reject(late()));
    void work.then(resolve, reject).finally(cancel);
  });
