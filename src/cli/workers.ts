import { type Clock, within } from "../clock.ts";
import type { Log } from "../log.ts";
import { WORKER_STOP_MS } from "../stopping.ts";

/** Delay before a worker is restarted, in milliseconds. It doubles with each restart. */
const BACKOFF_MS = { least: 500, most: 30_000 } as const;
/** A worker that has run longer than this restarts with the shortest delay. */
const STEADY_MS = 60_000;

/** A process that runs the server. */
export interface WorkerProcess {
  /** Asks it to stop gracefully. */
  stop(): void;
  kill(): void;
}

/** Receives a worker's start and end. */
export interface WorkerLife {
  ready(): void;
  ended(code: number | null, signal: string | null): void;
}

interface WorkersOptions {
  readonly count: number;
  readonly clock: Clock;
  readonly log: Log;
  start(worker: number, life: WorkerLife): WorkerProcess;
}

export interface Workers {
  /** Resolves when all workers have been ready once. Rejects if the first one ends before it is ready. */
  readonly ready: Promise<unknown>;
  /** Stops all workers. Resolves false if one of them failed or had to be killed. */
  stop(): Promise<boolean>;
}

/** The first worker could not start and has already reported why. */
export class FirstWorkerEnded extends Error {
  override readonly name = "FirstWorkerEnded";
}

/** Keeps `count` workers running. Restarts those that end, with exponential backoff. */
export function createWorkers({ count, clock, log, start }: WorkersOptions): Workers {
  const running = new Map<number, WorkerProcess>();
  const waiting = new Map<number, () => void>();
  const allEnded = Promise.withResolvers<void>();
  const first = Promise.withResolvers<void>();
  let anyReady = false;
  let stopping = false;
  let well = true;

  function keep(worker: number): Promise<void> {
    const isReady = Promise.withResolvers<void>();
    let failures = 0;

    const begin = () => {
      waiting.delete(worker);
      const begun = clock.monotonic();
      let up = false;
      running.set(
        worker,
        start(worker, {
          ready() {
            anyReady = up = true;
            isReady.resolve();
          },
          ended(code, signal) {
            running.delete(worker);
            if (stopping) {
              if (up && code !== 0) well = false;
              if (running.size === 0) allEnded.resolve();
              return;
            }
            if (!anyReady) return first.reject(new FirstWorkerEnded());
            if (clock.monotonic() - begun > STEADY_MS) failures = 0;
            const restartMs = Math.min(BACKOFF_MS.least * 2 ** failures++, BACKOFF_MS.most);
            log.warn(
              { event: "worker_ended", worker, code, signal, restartMs },
              "a worker ended and will be restarted",
            );
            waiting.set(worker, clock.after(restartMs, begin));
          },
        }),
      );
    };

    begin();
    return isReady.promise;
  }

  // The others wait for the first one. A problem that prevents its start would affect them too; it is
  // reported once.
  const started = keep(1).then(() =>
    stopping ? [] : Promise.all(Array.from({ length: count - 1 }, (_, index) => keep(index + 2))),
  );

  return {
    ready: Promise.race([started, first.promise]),
    async stop() {
      stopping = true;
      for (const cancel of waiting.values()) cancel();
      for (const worker of running.values()) worker.stop();
      if (running.size > 0) await within(clock, WORKER_STOP_MS, allEnded.promise);
      for (const worker of running.values()) worker.kill();
      return well && running.size === 0;
    },
  };
}
