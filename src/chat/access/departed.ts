import type { Bus } from "../../bus/bus.ts";
import { before, type Clock } from "../../clock.ts";
import { Refusal } from "../../errors.ts";
import { createLookup } from "../../lookup.ts";
import type { Departures, MemberStore } from "../ports.ts";

/** How long departures are believed, in milliseconds, and those of how many people are cached. */
const TTL_MS = 5_000;
const CACHE_MAX = 20_000;
const BATCH_MAX = 1_000;
/** How long a lookup may take, in milliseconds. Commands of a socket wait for it, and a commit has its own limit after it. */
const LOOKUP_MS = 2_000;

/** The rooms that people are banned from or have just left, cached, and notice of changes. */
export interface Departed {
  /** From memory, if it is recent enough. */
  peek(userId: number): Departures | undefined;
  /** @throws {Refusal} `unavailable`; `busy` if the database takes too long. */
  get(userId: number): Promise<Departures>;
  /** Queries the database directly, bypassing the cache. Results keep the input order. */
  refresh(userIds: readonly number[]): Promise<readonly Departures[]>;
  /** Drops what is cached for someone after this node banned them, let them in again or let them leave, and tells other nodes. */
  changed(userId: number): void;
  /** Adds a listener for such changes on other nodes. What is cached has been dropped by then. */
  onChanged(listener: (userId: number) => void): void;
}

interface DepartedOptions {
  readonly store: Pick<MemberStore, "departures">;
  readonly clock: Clock;
  readonly bus: Pick<Bus, "announce" | "listen">;
}

export function createDeparted({ store, clock, bus }: DepartedOptions): Departed {
  const listeners: ((userId: number) => void)[] = [];
  const lookup = createLookup<number, Departures>({
    clock,
    ttlMs: TTL_MS,
    max: CACHE_MAX,
    batch: BATCH_MAX,
    idOf: (userId) => userId,
    read: (userIds) => store.departures(userIds),
  });

  bus.listen({
    heard(news) {
      if (news.type !== "departures") return;
      lookup.forget(news.userId);
      for (const listener of listeners) listener(news.userId);
    },
  });

  return {
    peek: lookup.peek,
    get: (userId) =>
      before(clock, LOOKUP_MS, lookup.get(userId), () => new Refusal("busy", { retryAfterMs: LOOKUP_MS })),
    refresh: lookup.refresh,
    changed(userId) {
      lookup.forget(userId);
      bus.announce({ type: "departures", userId });
    },
    onChanged: (listener) => void listeners.push(listener),
  };
}
