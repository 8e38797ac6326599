import type { Clock } from "../clock.ts";
import type { Wanted } from "../store/cursors.ts";

/** The most rooms that wait. The walk through all rooms finds the others. */
const WAITING_MAX = 10_000;

/** The rooms that a consumer has been told of on this node, each once. */
export interface Queue {
  /** A room has changed. Returns whether it is new here. */
  changed(room: string): boolean;
  /** Rooms that have more to do. */
  found(rooms: readonly number[]): void;
  /** Rooms to come back to after a pause. */
  later(rooms: readonly number[]): void;
  /** Ends that pause. */
  retry(): void;
  /** Whether rooms wait, without those after the pause. */
  readonly isBusy: boolean;
  /** Takes the rooms that have waited longest. */
  take(most: number): Wanted;
  /** Called when there is nothing to do at the moment; `complete`: nothing can have gone unnoticed. */
  settle(complete: boolean): void;
  settled(): Promise<void>;
  /** Whether somebody waits for that. */
  readonly isAwaited: boolean;
  /** How many rooms wait, and for how long the first of them has waited, in milliseconds. */
  stateOf(): { readonly rooms: number; readonly ms: number };
}

export function createQueue(clock: Clock): Queue {
  /** In the order in which they came, each with its time. */
  const waiting = new Map<string | number, number>();
  const paused = new Map<number, number>();
  let settling: (() => void)[] = [];

  const add = (room: string | number): boolean => {
    if (waiting.has(room) || waiting.size >= WAITING_MAX) return false;
    waiting.set(room, clock.monotonic());
    return true;
  };

  return {
    changed: add,
    found: (rooms) => rooms.forEach(add),
    later(rooms) {
      for (const room of rooms) paused.set(room, clock.monotonic());
    },
    retry() {
      for (const room of paused.keys()) add(room);
      paused.clear();
    },
    get isBusy() {
      return waiting.size > 0;
    },
    take(most) {
      const taken = [...waiting.keys()].slice(0, most);
      for (const room of taken) waiting.delete(room);
      return {
        names: taken.filter((room) => typeof room === "string"),
        ids: taken.filter((room) => typeof room === "number"),
      };
    },
    settle(complete) {
      if (!complete || waiting.size > 0 || paused.size > 0) return;
      const all = settling;
      settling = [];
      for (const resolve of all) resolve();
    },
    settled: () => new Promise((resolve) => void settling.push(resolve)),
    get isAwaited() {
      return settling.length > 0;
    },
    stateOf() {
      const [first] = waiting.values();
      return {
        rooms: waiting.size + paused.size,
        ms: first === undefined ? 0 : clock.monotonic() - first,
      };
    },
  };
}
