/** The part of a Redis client that it takes. */
export interface Subscriber {
  subscribe(channels: string[], hear: (text: string, channel: string) => void): Promise<unknown>;
  unsubscribe(channels: string[]): Promise<unknown>;
}

interface SubscriptionsOptions {
  hear(text: string, channel: string): void;
  /** The client refused a command: it is of no use any more. */
  failed(error: unknown): void;
}

/** Which channels are wanted, and a client's subscriptions in step with that. */
export interface Subscriptions {
  /** Settles when the subscription stands, or at once where there is no client. */
  want(channel: string): Promise<void>;
  forget(channel: string): void;
  /** Goes on with a new client, which has no subscriptions yet. Settles when all that is wanted stands. */
  attach(client: Subscriber): Promise<void>;
  detach(): void;
}

/**
 * One command at a time, each for all that has come together since the last: thousands of channels in one command take
 * milliseconds, one by one they take half a second. And a client that is asked for the same channel twice would call
 * twice for each message.
 */
export function createSubscriptions({ hear, failed }: SubscriptionsOptions): Subscriptions {
  const wanted = new Set<string>();
  const standing = new Set<string>();
  /** Channels whose wish has changed since the last look. */
  let changed = new Set<string>();
  let client: Subscriber | undefined;
  let work: Promise<void> | undefined;

  async function keepStep(at: Subscriber): Promise<void> {
    await Promise.resolve(); // what else is wished for in this tick comes along
    while (at === client && changed.size > 0) {
      const looked = changed;
      changed = new Set();
      const more = [...looked].filter((channel) => wanted.has(channel) && !standing.has(channel));
      const fewer = [...looked].filter((channel) => !wanted.has(channel) && standing.has(channel));
      try {
        if (fewer.length > 0) await at.unsubscribe(fewer);
        if (more.length > 0) await at.subscribe(more, hear);
      } catch (error) {
        if (at === client) failed(error);
        return;
      }
      if (at !== client) return;
      for (const channel of fewer) standing.delete(channel);
      for (const channel of more) standing.add(channel);
    }
    // In the same turn as the last look: whoever wishes for something from now on begins anew.
    if (at === client) work = undefined;
  }

  const inStep = async (): Promise<void> => {
    if (client) await (work ??= keepStep(client));
  };

  return {
    want(channel) {
      wanted.add(channel);
      changed.add(channel);
      return inStep();
    },
    forget(channel) {
      wanted.delete(channel);
      changed.add(channel);
      void inStep();
    },
    async attach(next) {
      standing.clear();
      changed = new Set(wanted);
      client = next;
      work = undefined;
      await inStep();
    },
    detach() {
      client = undefined;
      work = undefined;
      changed.clear();
    },
  };
}
