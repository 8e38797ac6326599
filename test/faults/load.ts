import type { Change } from "./change.ts";
import type { Client } from "./client.ts";

export interface LoadOptions {
  /** Changes per second and client, unless the window is full. */
  readonly perSecond: number;
  /** The maximum number of unacknowledged changes per client. */
  readonly window: number;
  /** The minimum length of each text in characters. */
  readonly chars?: number;
  /** The padding of each text. */
  readonly filling?: string;
  /** Restricts the load to new messages. */
  readonly only?: "sends";
}

export interface Load {
  stop(): void;
}

const EMOJIS = ["👍", "❤️", "🎉"];
/** Only this many of the newest messages are changed. */
const RECENT = 20;

let loads = 0;

/**
 * Makes clients change their rooms at a steady pace. 60 % of the changes are new messages; the rest are edits,
 * deletions, reactions and repeats. Each text is unique: it contains the load, the sender, a number and the time.
 */
export function startLoad(clients: readonly Client[], options: LoadOptions): Load {
  const { perSecond, window, chars = 0, filling = "x" } = options;
  const load = ++loads;
  let number = 0;

  const timers = clients.map((client, sender) => {
    const sent: Change[] = [];
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
      return (share > 0.95 && pick(sent)) || fresh(share);
    };
    return setInterval(() => {
      if (client.unanswered >= window) return;
      const change = next();
      client.submit(change);
      if (sent.push(change) > RECENT) sent.shift();
    }, 1000 / perSecond);
  });
  return { stop: () => timers.forEach(clearInterval) };
}

/** Returns the ids of recent messages that the client does not know to be deleted. */
function recent({ copy }: Client): number[] {
  const found: number[] = [];
  for (let id = copy.version; id > 0 && id > copy.version - 2 * RECENT; id--) {
    const message = copy.messages.get(id);
    if (message && !message.deletedAt) found.push(id);
  }
  return found;
}

const pick = <T>(items: readonly T[]): T | undefined => items[Math.floor(Math.random() * items.length)];

/** Returns the time at which a message of a load was sent, by this process's clock. */
export const sentAt = (content: string): number => Number(content.split(" ")[1]);
