import type { Clock } from "../../src/clock.ts";
import type { Random } from "./random.ts";

/** Virtual time: pending tasks, in order. Nothing here reads a real clock. */
export interface Schedule {
  readonly now: number;
  readonly events: number;
  /**
   * Runs `task` after `ms`. Returns a function that cancels it. `together`: other tasks at nearly the same time may run
   * before the promises of this one, as with database results that arrive in one packet.
   */
  after(ms: number, task: () => void, together?: boolean): () => void;
  /** Runs until `done` returns true or `ms` have passed. Resolves to whether it was done. */
  run(ms: number, done?: () => boolean): Promise<boolean>;
}

interface Event {
  readonly time: number;
  readonly order: number;
  readonly together: boolean;
  task: (() => void) | undefined;
}

/** More tasks than any run needs: beyond this, something loops for ever. */
const EVENTS_MAX = 400_000;
/** Results within this many milliseconds arrive in one packet. */
const PACKET_MS = 0.5;

export function createSchedule(random: Random): Schedule {
  const heap: Event[] = [];
  let now = 0;
  let order = 0;
  let events = 0;

  const happen = (event: Event) => {
    now = event.time;
    if (++events > EVENTS_MAX) throw new Error(`more than ${EVENTS_MAX} events`);
    event.task?.();
  };

  const turn = async () => {
    const event = take(heap) as Event;
    happen(event);
    for (let next = heap[0]; event.together && next?.together; next = heap[0]) {
      if (next.time > event.time + PACKET_MS || random.chance(0.3)) break;
      happen(take(heap) as Event);
    }
    // Let every promise run that can.
    await new Promise<void>((resolve) => setImmediate(resolve));
  };

  return {
    get now() {
      return now;
    },
    get events() {
      return events;
    },
    after(ms, task, together = false) {
      const event: Event = { time: now + ms, order: order++, together, task };
      put(heap, event);
      return () => (event.task = undefined);
    },
    async run(ms, done = () => false) {
      const end = now + ms;
      while (!done()) {
        while (heap[0] && !heap[0].task) take(heap);
        if (!heap[0] || heap[0].time > end) {
          now = end;
          return done();
        }
        await turn();
      }
      return true;
    },
  };
}

/** A process's own clock, which ends with the process. `pending`: the number of active timers. */
export function createProcessClock(schedule: Schedule, alive: () => boolean) {
  let pending = 0;
  const after = (ms: number, task: () => void) => {
    pending++;
    let open = true;
    const end = () => {
      if (open) pending--;
      open = false;
    };
    const cancel = schedule.after(ms, () => {
      end();
      if (alive()) task();
    });
    return () => {
      end();
      cancel();
    };
  };
  const clock: Clock = {
    now: () => EPOCH_MS + schedule.now,
    monotonic: () => schedule.now,
    after,
    soon: (task) => void schedule.after(0, () => alive() && task()),
  };
  return {
    clock,
    get pending() {
      return pending;
    },
  };
}

/** The start of virtual time, in milliseconds since 1970. */
export const EPOCH_MS = Date.UTC(2030, 0, 1);

const earlier = (a: Event, b: Event) => a.time < b.time || (a.time === b.time && a.order < b.order);

function put(heap: Event[], event: Event): void {
  let at = heap.length;
  while (at > 0) {
    const up = (at - 1) >> 1;
    const parent = heap[up] as Event;
    if (!earlier(event, parent)) break;
    heap[at] = parent;
    at = up;
  }
  heap[at] = event;
}

function take(heap: Event[]): Event | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (!last || heap.length === 0) return first;
  let at = 0;
  for (;;) {
    let down = 2 * at + 1;
    if (down >= heap.length) break;
    if (down + 1 < heap.length && earlier(heap[down + 1] as Event, heap[down] as Event)) down++;
    if (!earlier(heap[down] as Event, last)) break;
    heap[at] = heap[down] as Event;
    at = down;
  }
  heap[at] = last;
  return first;
}
