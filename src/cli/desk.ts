import { type Clock, within } from "../clock.ts";
import type { Measured } from "./ipc.ts";

/** A worker that does not say what it has measured is left out, in milliseconds. */
const PATIENCE_MS = 1_000;

/** Where the parent gathers what its workers have measured. */
export interface Desk {
  /** Asks all of these. */
  gather(ask: readonly ((id: number) => void)[]): Promise<Measured[]>;
  /** One of them has answered. */
  take(id: number, measured: Measured): void;
}

export function createDesk(clock: Clock): Desk {
  const open = new Map<number, (measured: Measured) => void>();
  let lastId = 0;

  return {
    async gather(workers) {
      const all: Measured[] = [];
      const answers = workers.map((ask) => {
        const id = ++lastId;
        const { promise, resolve } = Promise.withResolvers<Measured>();
        open.set(id, resolve);
        ask(id);
        return within(
          clock,
          PATIENCE_MS,
          promise.then((measured) => void all.push(measured)),
        ).finally(() => open.delete(id));
      });
      await Promise.all(answers);
      return all;
    },
    take: (id, measured) => open.get(id)?.(measured),
  };
}
