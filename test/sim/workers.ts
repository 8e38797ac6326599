import { simulate } from "./simulation.ts";

/** A message of a worker: it starts a seed, or the outcome of one. */
type Word =
  { readonly begins: number } | { readonly seed: number; readonly broken?: string; readonly events: number };

export interface Result {
  readonly done: number;
  readonly events: number;
  readonly broken: { readonly seed: number; readonly sentence: string; readonly stuck: boolean } | undefined;
}

interface Job {
  readonly from: number;
  readonly count: number;
  readonly workers: number;
  progress(done: number): void;
}

/** A seed that takes longer than this is stuck, in milliseconds. */
const STUCK_MS = 60_000;
const PROGRESS = 1_000;

/** Runs seeds in parallel processes, up to the first seed in which a guarantee does not hold. */
export function runSeeds({ from, count, workers, progress }: Job): Promise<Result> {
  let done = 0;
  let events = 0;
  let running = workers;
  return new Promise((resolve) => {
    const children: Bun.Subprocess[] = [];
    const end = (broken?: Result["broken"]) => {
      for (const child of children) child.kill();
      resolve({ done, events, broken });
    };
    const start = (first: number) => {
      let seed = first;
      let watchdog: ReturnType<typeof setTimeout> | undefined;
      const child = Bun.spawn(
        [process.execPath, import.meta.path, `${first}`, `${from + count}`, `${workers}`],
        {
          stdio: ["ignore", "inherit", "inherit"],
          ipc(word: Word) {
            clearTimeout(watchdog);
            watchdog = setTimeout(() => end({ seed, sentence: "it never ends", stuck: true }), STUCK_MS);
            if ("begins" in word) return void (seed = word.begins);
            events += word.events;
            if (++done % PROGRESS === 0) progress(done);
            if (word.broken) end({ seed: word.seed, sentence: word.broken, stuck: false });
          },
          onExit(_, code) {
            clearTimeout(watchdog);
            if (code) end({ seed, sentence: `the process ended with ${code}`, stuck: true });
            else if (--running === 0) end();
          },
        },
      );
      children.push(child);
    };
    for (let worker = 0; worker < workers; worker++) start(from + worker);
  });
}

/** A worker runs every n-th seed. */
async function work(first: number, end: number, step: number): Promise<void> {
  const say = (word: Word) => process.send?.(word);
  Error.stackTraceLimit = 0;
  let unhandled: string | undefined;
  process.on("unhandledRejection", (error) => (unhandled = `unhandled rejection: ${String(error)}`));
  for (let seed = first; seed < end; seed += step) {
    say({ begins: seed });
    const { broken = unhandled, events } = await simulate(seed);
    say({ seed, events, ...(broken !== undefined && { broken }) });
  }
  process.disconnect?.();
}

if (import.meta.main) {
  const [first = 0, end = 0, step = 1] = process.argv.slice(2).map(Number);
  await work(first, end, step);
}
