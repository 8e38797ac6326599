import { type Clock, within } from "../clock.ts";
import type { Measured } from "./ipc.ts";

/** How long to wait for a worker's metrics, in milliseconds. Slower workers are left out. */
const PATIENCE_MS = 1_000;

/** Collects the metrics of the workers in their parent. */
export interface Desk {
  /** Requests metrics through each function of `ask`. Resolves with those that arrive in time. */
  gather(ask: readonly ((id: number) => void)[]): Promise<Measured[]>;
  /** Takes a worker's reply to the request with that id. */
  take(id: number, measured: Measured): void;
}

export function createDesk(clock: Clock): Desk {
  const open = new Map<number, (measured: Measured) => void>();
  let lastId = 0;

  return {
    async gather(workers) {
      const all: Measured[] = [];
      const replies = workers.map((ask) => {
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
      await Promise.all(replies);
      return all;
    },
    take: (id, measured) => open.get(id)?.(measured),
  };
}
