import type { Clock } from "./clock.ts";

/**
 * Batches single queries. Items that arrive within one turn of the event loop, or while a query is running,
 * go into the next batch. `ask` gets at most `most` items and must keep their order in its result. If it
 * rejects, so does the query of every item in the batch.
 */
export function gatherer<Item, Answer>(
  clock: Clock,
  most: number,
  ask: (items: readonly Item[]) => Promise<readonly Answer[]>,
): (item: Item) => Promise<Answer> {
  interface Asked {
    readonly item: Item;
    readonly resolve: (answer: Answer) => void;
    readonly reject: (error: unknown) => void;
  }
  let gathered: Asked[] = [];
  let asking = false;

  async function askAll() {
    await new Promise<void>((resolve) => clock.soon(resolve));
    while (gathered.length > 0) {
      const batch = gathered.slice(0, most);
      gathered = gathered.slice(most);
      try {
        const answers = await ask(batch.map(({ item }) => item));
        batch.forEach(({ resolve }, index) => resolve(answers[index] as Answer));
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    asking = false;
  }

  return (item) =>
    new Promise((resolve, reject) => {
      gathered.push({ item, resolve, reject });
      if (asking) return;
      asking = true;
      void askAll();
    });
}
