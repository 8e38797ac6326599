/** The part of a Redis client that is used here. */
export interface Subscriber {
  subscribe(channels: string[], receive: (text: string, channel: string) => void): Promise<unknown>;
  unsubscribe(channels: string[]): Promise<unknown>;
}

interface SubscriptionsOptions {
  receive(text: string, channel: string): void;
  /** Called when the client has rejected a command. It must not be used any more. */
  failed(error: unknown): void;
}

/** Keeps a client's subscriptions in step with the channels that are wanted. */
export interface Subscriptions {
  /** Resolves once subscribed, or immediately if there is no client. */
  want(channel: string): Promise<void>;
  forget(channel: string): void;
  /** Continues with a new client without subscriptions. Resolves once all wanted channels are subscribed. */
  attach(client: Subscriber): Promise<void>;
  detach(): void;
}

/**
 * Sends one command at a time, each for all changes since the last. Thousands of channels take milliseconds
 * in one command and half a second one by one. Never subscribes to a channel twice, because the client would
 * then call back twice for each message.
 */
export function createSubscriptions({ receive, failed }: SubscriptionsOptions): Subscriptions {
  const wanted = new Set<string>();
  const subscribed = new Set<string>();
  /** Channels that were wanted or forgotten since the last command. */
  let changed = new Set<string>();
  let client: Subscriber | undefined;
  let work: Promise<void> | undefined;

  async function synchronize(at: Subscriber): Promise<void> {
    await Promise.resolve(); // batches all changes of this tick
    while (at === client && changed.size > 0) {
      const batch = changed;
      changed = new Set();
      const added = [...batch].filter((channel) => wanted.has(channel) && !subscribed.has(channel));
      const removed = [...batch].filter((channel) => !wanted.has(channel) && subscribed.has(channel));
      try {
        if (removed.length > 0) await at.unsubscribe(removed);
        if (added.length > 0) await at.subscribe(added, receive);
      } catch (error) {
        if (at === client) failed(error);
        return;
      }
      if (at !== client) return;
      for (const channel of removed) subscribed.delete(channel);
      for (const channel of added) subscribed.add(channel);
    }
    // Nothing was awaited since the loop's last check, so later changes start a new run.
    if (at === client) work = undefined;
  }

  const inSync = async (): Promise<void> => {
    if (client) await (work ??= synchronize(client));
  };

  return {
    want(channel) {
      wanted.add(channel);
      changed.add(channel);
      return inSync();
    },
    forget(channel) {
      wanted.delete(channel);
      changed.add(channel);
      void inSync();
    },
    async attach(next) {
      subscribed.clear();
      changed = new Set(wanted);
      client = next;
      work = undefined;
      await inSync();
    },
    detach() {
      client = undefined;
      work = undefined;
      changed.clear();
    },
  };
}
