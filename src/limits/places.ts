import { Refusal } from "../errors.ts";

/** When someone who was refused may try again, in milliseconds. */
const RETRY_MS = 1_000;

/**
 * Places for work that holds much memory. Everyone, a person or a key, has places and a queue of their own, so that nobody waits for another
 * person, and one person holds the memory of a few pieces at most.
 */
export interface Places {
  /** Takes a place when it is free. Returns a function that gives it back. @throws {Refusal} busy if too many wait for one. */
  enter(owner: number | string): Promise<() => void>;
  /** Works in a place. @throws {Refusal} busy if too many wait for one of this person's places. */
  run<T>(owner: number | string, work: () => Promise<T>): Promise<T>;
}

interface PlacesOptions {
  /** How many places one person has. */
  readonly each: number;
  /** How many pieces of work of one person may wait. */
  readonly waiting: number;
}

interface Person {
  taken: number;
  readonly waiting: (() => void)[];
}

export function createPlaces({ each, waiting }: PlacesOptions): Places {
  const people = new Map<number | string, Person>();

  async function enter(owner: number | string): Promise<() => void> {
    const person = people.getOrInsertComputed(owner, () => ({ taken: 0, waiting: [] }));
    if (person.taken < each) person.taken++;
    else if (person.waiting.length < waiting)
      // The one that wakes it hands over its place.
      await new Promise<void>((resolve) => person.waiting.push(resolve));
    else throw new Refusal("busy", { retryAfterMs: RETRY_MS });
    let left = false;
    return () => {
      if (left) return;
      left = true;
      const next = person.waiting.shift();
      if (next) next();
      else if (--person.taken === 0) people.delete(owner);
    };
  }

  return {
    enter,
    async run(owner, work) {
      const leave = await enter(owner);
      try {
        return await work();
      } finally {
        leave();
      }
    },
  };
}
