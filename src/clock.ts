/** Time as this program uses it, so that a simulation can decide it. Milliseconds throughout. */
export interface Clock {
  /** Wall-clock time, in milliseconds since 1970. */
  now(): number;
  /** Time that only rises, for measuring; its zero means nothing. */
  monotonic(): number;
  /** Runs `task` once after `ms`; the answer cancels it. */
  after(ms: number, task: () => void): () => void;
  /** Runs `task` once this turn of the event loop is over. */
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

/** Runs `task` every `ms`, the next time only after it has ended. The answer stops it. */
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

/** Settles with `work`, or after `ms` where that comes first. */
export function within(clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = clock.after(ms, resolve);
  work.finally(cancel).then(
    () => resolve(),
    () => resolve(),
  );
  return promise;
}
