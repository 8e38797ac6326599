import type { Client } from "./client.ts";

export interface LoadOptions {
  /** Messages a second of each client, as long as it is answered. */
  readonly perSecond: number;
  /** The most that a client leaves unanswered; beyond, it waits. */
  readonly window: number;
  /** Characters of each message, and what it is filled up with. */
  readonly chars?: number;
  readonly filling?: string;
}

export interface Load {
  stop(): void;
}

let loads = 0;

/** Makes clients send at a steady pace. Each message says who sent it, its number and when, so no two are the same. */
export function startLoad(clients: readonly Client[], options: LoadOptions): Load {
  const { perSecond, window, chars = 0, filling = "x" } = options;
  const load = ++loads;
  let number = 0;
  const timers = clients.map((client, sender) =>
    setInterval(() => {
      if (client.unanswered >= window) return;
      client.send(`${load}.${sender}.${++number} ${performance.now().toFixed(2)} `.padEnd(chars, filling));
    }, 1000 / perSecond),
  );
  return { stop: () => timers.forEach(clearInterval) };
}

/** When a message of a load was sent, by this process' clock. */
export const sentAt = (content: string): number => Number(content.split(" ")[1]);
