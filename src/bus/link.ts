import { RedisClient } from "bun";
import type { Clock } from "../clock.ts";

/**
 * Bun's client, as it can be relied on. By itself it would connect again without its subscriptions and say nothing,
 * give up for good after half a minute, and keep what it is told while it is away. So a connection that is lost is
 * never used again: there is a new one.
 */
const OPTIONS = {
  autoReconnect: false,
  enableOfflineQueue: false,
  connectionTimeout: 1_000,
  idleTimeout: 1_500,
} as const;

/** How often it says that it lives; a quiet connection would else be taken for a dead one. In milliseconds. */
const BEAT_MS = 500;
/** A connection that has not brought back so many beats is lost, whatever it says of itself. */
const BEATS_LOST = 4;
/** All nodes lose Redis at the same moment; they come back at different ones, in milliseconds. */
const RETURN_MS = { least: 100, most: 1_000 } as const;

interface LinkOptions {
  readonly url: string;
  readonly clock: Clock;
  random(): number;
  /** Two connections stand. What rejects ends them. */
  opened(connections: Connections): Promise<void>;
  /** They are in use from now on. */
  up(): void;
  /** They are lost, or could not be made. */
  down(reason: unknown): void;
  /** Says that this node lives; what comes back of it is to be told to `heardOwn`. */
  beat(): void;
}

export interface Connections {
  /** A connection that is subscribed can do nothing else. */
  readonly subscriber: RedisClient;
  readonly commands: RedisClient;
}

/** Two connections to Redis, or none: they are lost together, and made anew for as long as it takes. */
export interface Link {
  /** For commands; undefined while it is down. */
  readonly commands: RedisClient | undefined;
  /** Something of our own has come back. */
  heardOwn(): void;
  /** Gives the connections up and makes new ones. */
  lose(reason: unknown): void;
  stop(): void;
}

export function createLink(options: LinkOptions): Link {
  const { url, clock, random } = options;
  let current: Connections | undefined;
  let isUp = false;
  let stopped = false;
  let unheard = 0;
  let cancel = () => {};

  const close = ({ subscriber, commands }: Connections) => {
    for (const client of [subscriber, commands]) {
      client.onclose = () => {};
      client.close();
    }
  };

  const lose = (reason: unknown) => {
    if (!current) return;
    cancel();
    close(current);
    current = undefined;
    isUp = false;
    if (stopped) return;
    options.down(reason);
    cancel = clock.after(RETURN_MS.least + random() * (RETURN_MS.most - RETURN_MS.least), connect);
  };

  const beat = () => {
    if (unheard++ >= BEATS_LOST) return lose(new Error(`${BEATS_LOST} beats have not come back`));
    const at = current;
    at?.subscriber.ping().catch((error: unknown) => {
      if (at === current) lose(error);
    });
    options.beat();
    cancel = clock.after(BEAT_MS, beat);
  };

  async function connect(): Promise<void> {
    const made = { subscriber: new RedisClient(url, OPTIONS), commands: new RedisClient(url, OPTIONS) };
    const loseThese = (reason: unknown) => {
      if (current === made) lose(reason);
    };
    current = made;
    made.subscriber.onclose = made.commands.onclose = loseThese;
    try {
      await Promise.all([made.subscriber.connect(), made.commands.connect()]);
      await options.opened(made);
      if (current !== made) return;
      isUp = true;
      unheard = 0;
      options.up();
      beat();
    } catch (error) {
      loseThese(error);
    }
  }

  void connect();
  return {
    get commands() {
      return isUp ? current?.commands : undefined;
    },
    heardOwn: () => void (unheard = 0),
    lose,
    stop() {
      stopped = true;
      cancel();
      if (current) close(current);
      current = undefined;
    },
  };
}
