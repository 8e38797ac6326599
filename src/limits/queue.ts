import { Refusal } from "../errors.ts";

/** The groups that a piece of work belongs to, from the widest to the narrowest. */
export type Groups = readonly string[];

/** A queue that nobody can fill for others. */
export interface FairQueue {
  /**
   * Runs `work` in its turn and settles like it. Turns go round the widest groups; within each, round its next groups,
   * and so on. So a group with many waiters gets as many turns as one with a single waiter.
   * @throws {Refusal} `rate_limited` if the narrowest group has too many waiters; `busy` if the queue is full and the
   * work belongs to the largest group.
   */
  run<T>(groups: Groups, work: () => Promise<T>): Promise<T>;
}

interface FairQueueOptions {
  /** How many pieces of work run at the same time. */
  readonly parallel: number;
  /** How many wait, in total. */
  readonly max: number;
  /** How many wait in one narrowest group. */
  readonly share: number;
}

interface Waiter {
  start(): void;
  refuse(): void;
}

interface Group {
  size: number;
  readonly groups: Map<string, Group>;
  /** Only in the narrowest groups. */
  readonly waiters: Waiter[];
}

const emptyGroup = (): Group => ({ size: 0, groups: new Map(), waiters: [] });

export function createFairQueue({ parallel, max, share }: FairQueueOptions): FairQueue {
  const all = emptyGroup();
  let running = 0;

  const turn = (groups: Groups) =>
    new Promise<void>((resolve, reject) => {
      if (sizeOf(all, groups) >= share) return reject(crowded());
      add(all, groups, { start: resolve, refuse: () => reject(busy()) });
      if (all.size > max) evict(all)?.refuse();
    });

  return {
    async run(groups, work) {
      if (running < parallel) running++;
      else await turn(groups);
      try {
        return await work();
      } finally {
        const next = take(all);
        if (next)
          next.start(); // takes over this slot, so `running` does not change
        else running--;
      }
    },
  };
}

function sizeOf(all: Group, groups: Groups): number {
  let group: Group | undefined = all;
  for (const name of groups) group = group?.groups.get(name);
  return group?.size ?? 0;
}

function add(all: Group, groups: Groups, waiter: Waiter): void {
  let group = all;
  group.size++;
  for (const name of groups) {
    const inner = group.groups.get(name) ?? emptyGroup();
    group.groups.set(name, inner);
    group = inner;
    group.size++;
  }
  group.waiters.push(waiter);
}

/** Removes the waiter whose turn it is. */
function take(group: Group): Waiter | undefined {
  for (const [name, inner] of group.groups) {
    group.size--;
    group.groups.delete(name);
    const waiter = take(inner);
    if (inner.size > 0) group.groups.set(name, inner); // a Map keeps insertion order, so this group is now the last
    return waiter;
  }
  const waiter = group.waiters.shift();
  if (waiter) group.size--;
  return waiter;
}

/** Removes the newest waiter of the largest groups. */
function evict(group: Group): Waiter | undefined {
  let largest: readonly [string, Group] | undefined;
  for (const entry of group.groups) if (entry[1].size >= (largest?.[1].size ?? 0)) largest = entry;
  if (!largest) {
    const waiter = group.waiters.pop();
    if (waiter) group.size--;
    return waiter;
  }
  const [name, inner] = largest;
  group.size--;
  const waiter = evict(inner);
  if (inner.size === 0) group.groups.delete(name);
  return waiter;
}

/** Jittered, so that rejected clients do not all retry at once. */
const soon = () => 2000 + Math.floor(Math.random() * 3000);
const busy = () => new Refusal("busy", { retryAfterMs: soon() });
const crowded = () => new Refusal("rate_limited", { retryAfterMs: soon() });
