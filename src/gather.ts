import type { Clock } from "./clock.ts";

/**
 * Asks about many things at once: what comes within one turn, and while a question is under way, gathers for the next.
 * `ask` is given at most `most` at a time and answers each in its place; where it fails, so do all of them.
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
