import type { Change } from "./change.ts";
import type { Client } from "./client.ts";

export interface LoadOptions {
  /** Changes a second of each client, as long as it is answered. */
  readonly perSecond: number;
  /** The most that a client leaves unanswered; beyond, it waits. */
  readonly window: number;
  /** Characters of each text, and what it is filled up with. */
  readonly chars?: number;
  readonly filling?: string;
  /** Nothing but messages. */
  readonly only?: "sends";
}

export interface Load {
  stop(): void;
}

const EMOJIS = ["👍", "❤️", "🎉"];
/** What is changed is one of the newest so many messages. */
const RECENT = 20;

let loads = 0;

/**
 * Makes clients change their rooms at a steady pace: 60 of 100 are new messages, the others edits, deletions,
 * reactions, and what was asked for before. Each text says who sent it, its number and when, so no two are the same.
 */
export function startLoad(clients: readonly Client[], options: LoadOptions): Load {
  const { perSecond, window, chars = 0, filling = "x" } = options;
  const load = ++loads;
  let number = 0;

  const timers = clients.map((client, sender) => {
    const asked: Change[] = [];
    const text = () =>
      `${load}.${sender}.${++number} ${performance.now().toFixed(2)} `.padEnd(chars, filling);
    const fresh = (share: number): Change => {
      const clientId = crypto.randomUUID();
      const own = pick(client.own.slice(-RECENT));
      if (share < 0.75 && own) return { type: "edit", clientId, id: own, content: text() };
      if (share < 0.8 && own) return { type: "delete", clientId, id: own };
      const there = pick(recent(client)) ?? own;
      if (share >= 0.8 && there)
        return { type: "react", clientId, id: there, emoji: pick(EMOJIS) ?? "", on: Math.random() < 0.7 };
      return { type: "send", clientId, content: text() };
    };
    const next = () => {
      const share = options.only ? 0 : Math.random();
      if (share < 0.6) return { type: "send", clientId: crypto.randomUUID(), content: text() } as const;
      return (share > 0.95 && pick(asked)) || fresh(share);
    };
    return setInterval(() => {
      if (client.unanswered >= window) return;
      const change = next();
      client.submit(change);
      if (asked.push(change) > RECENT) asked.shift();
    }, 1000 / perSecond);
  });
  return { stop: () => timers.forEach(clearInterval) };
}

/** Messages that are not deleted, as far as the client knows. */
function recent({ copy }: Client): number[] {
  const found: number[] = [];
  for (let id = copy.version; id > 0 && id > copy.version - 2 * RECENT; id--) {
    const message = copy.messages.get(id);
    if (message && !message.deletedAt) found.push(id);
  }
  return found;
}

const pick = <T>(items: readonly T[]): T | undefined => items[Math.floor(Math.random() * items.length)];

/** When a message of a load was sent, by this process' clock. */
export const sentAt = (content: string): number => Number(content.split(" ")[1]);
