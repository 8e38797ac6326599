import { RedisClient } from "bun";
import type { Clock } from "../clock.ts";

/**
 * Options that make Bun's client predictable. By default it would reconnect silently without its
 * subscriptions, give up for good after half a minute, and queue commands while it is disconnected. Here a
 * lost connection is never reused but replaced by a new one.
 */
const OPTIONS = {
  autoReconnect: false,
  enableOfflineQueue: false,
  connectionTimeout: 1_000,
  idleTimeout: 1_500,
} as const;

/** Interval of heartbeats, in milliseconds. */
export const BEAT_MS = 500;
if (!(BEAT_MS < OPTIONS.idleTimeout))
  throw new Error("heartbeats must keep a quiet connection from idling out");
/** After this many missed heartbeats a connection counts as lost, even if it reports itself open. */
const BEATS_LOST = 4;
/** Delay before reconnecting, in milliseconds. Random, because all nodes lose Redis at the same moment. */
const RETURN_MS = { least: 100, most: 1_000 } as const;

interface LinkOptions {
  readonly url: string;
  readonly clock: Clock;
  random(): number;
  /** Called when both connections are open. If it rejects, they are closed. */
  opened(connections: Connections): Promise<void>;
  /** Called when the connections are ready for use. */
  up(): void;
  /** Called when the connections are lost or could not be opened. */
  down(reason: unknown): void;
  /** Publishes a heartbeat. Call `heardOwn` when it comes back. */
  beat(): void;
}

export interface Connections {
  /** Separate, because a subscribed connection accepts no ordinary commands. */
  readonly subscriber: RedisClient;
  readonly commands: RedisClient;
}

/** Owns both Redis connections. If one fails, both are closed and reopened, with retries for ever. */
export interface Link {
  /** The connection for commands; undefined while the link is down. */
  readonly commands: RedisClient | undefined;
  /** Reports that one of our own heartbeats has come back. */
  heardOwn(): void;
  /** Closes both connections and opens new ones after a delay. */
  lose(reason: unknown): void;
  stop(): void;
}

export function createLink(options: LinkOptions): Link {
  const { url, clock, random } = options;
  let current: Connections | undefined;
  let isUp = false;
  let stopped = false;
  let missed = 0;
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
    if (missed++ >= BEATS_LOST) return lose(new Error(`${BEATS_LOST} heartbeats did not come back`));
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
      missed = 0;
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
    heardOwn: () => void (missed = 0),
    lose,
    stop() {
      stopped = true;
      cancel();
      if (current) close(current);
      current = undefined;
    },
  };
}
