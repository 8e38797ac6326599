import { Refusal } from "../../src/errors.ts";
import type { Blobs, Form } from "../../src/files/blobs.ts";
import { VARIANTS } from "../../src/protocol/files.ts";
import type { Plan } from "./plan.ts";
import type { Random } from "./random.ts";
import type { Schedule } from "./schedule.ts";

/** What is stored under a name. Until it is whole, it may be read, and a crash leaves it as it is. */
interface Stored {
  bytes: Buffer;
  whole: boolean;
}

interface ShelfOptions {
  readonly schedule: Schedule;
  readonly random: Random;
  readonly plan: Plan;
  /** Whether the process that asks still runs. */
  alive(): boolean;
}

const nameOf = (id: string, variant: Form) => `${id}.${variant}`;
const away = () => new Refusal("unavailable", { retryAfterMs: 300 });

/** The place where all nodes store the content of files. Nothing in it is ever lost. */
export function createShelf() {
  const stored = new Map<string, Stored>();

  return {
    ids: (): string[] => [...new Set([...stored.keys()].map((name) => name.slice(0, name.indexOf("."))))],
    /** What is stored, if it is whole. */
    whole(id: string, variant: Form): Buffer | undefined {
      const found = stored.get(nameOf(id, variant));
      return found?.whole ? found.bytes : undefined;
    },
    /** How one process reaches it: each step takes time, and may fail before or after it was done. */
    reach({ schedule, random, plan, alive }: ShelfOptions): Blobs {
      const step = <T>(work: () => T): Promise<T> =>
        new Promise((resolve, reject) => {
          schedule.after(random.between(0.1, random.chance(0.1) ? 300 : 5), () => {
            if (!alive()) return;
            const fate = plan.faulty ? random.next() / plan.shelfFailures : 1;
            if (fate < 0.5) return reject(away());
            const result = work();
            schedule.after(random.between(0.1, 3), () => {
              if (!alive()) return;
              if (fate < 1) reject(away());
              else resolve(result);
            });
          });
        });
      return {
        hasRoom: () => Promise.resolve(true),
        async write(id, variant, parts) {
          const one: Stored = { bytes: Buffer.alloc(0), whole: false };
          await step(() => void stored.set(nameOf(id, variant), one));
          for await (const part of parts) one.bytes = Buffer.concat([one.bytes, part]);
          await step(() => void (one.whole = true));
        },
        async read(id, variant) {
          const found = await step(() => stored.get(nameOf(id, variant)));
          // It was given up meanwhile, and removed.
          if (!found?.whole) throw away();
          return new Uint8Array(found.bytes);
        },
        body: () => Promise.resolve(undefined),
        async remove(id) {
          for (const variant of VARIANTS) await step(() => void stored.delete(nameOf(id, variant)));
        },
        discard: (id, form) => step(() => void stored.delete(nameOf(id, form))),
        async *stored() {
          const names = await step(() => [...stored.keys()]);
          for (const name of names) yield [name.slice(0, name.indexOf("."))];
        },
      };
    },
  };
}

export type Shelf = ReturnType<typeof createShelf>;
