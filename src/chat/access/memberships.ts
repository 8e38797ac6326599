import type { Bus } from "../../bus/bus.ts";
import { before, type Clock } from "../../clock.ts";
import { Refusal } from "../../errors.ts";
import { createLookup } from "../../lookup.ts";
import type { Departures, MemberStore, Seat } from "../ports.ts";
import type { Membership } from "../rights.ts";

/** How long a membership is cached, in milliseconds, and how many are. */
const TTL_MS = 5_000;
const CACHE_MAX = 20_000;
const BATCH_MAX = 1_000;
/** Rooms whose last membership is shared. */
const SHARED_MAX = 2_000;
/** How long a lookup may take, in milliseconds. Commands of a socket wait for it, and a commit has its own limit after it. */
export const LOOKUP_MS = 2_000;

/** What the database knows about people in rooms, cached. */
export interface Memberships {
  /** From memory. */
  peek(seat: Seat): Membership | undefined;
  /**
   * From the database, read after this call. @throws {Refusal} `unavailable`; `busy` if the database takes too long, and at
   * once while it still owes an answer about that person.
   */
  read(seat: Seat): Promise<Membership>;
  /** Queries the database, for each person, which rooms they may no longer be in. Results keep the input order. */
  departures(userIds: readonly number[]): Promise<readonly Departures[]>;
  /** Drops what is cached for someone after they left an open room on this node, and tells other nodes. */
  left(seat: Seat): void;
  /** Adds a listener for people who left a room on another node. What is cached has been dropped by then. */
  onLeft(listener: (userId: number) => void): void;
}

interface MembershipsOptions {
  readonly store: Pick<MemberStore, "memberships" | "departures">;
  readonly clock: Clock;
  readonly bus: Pick<Bus, "announce" | "listen">;
}

export function createMemberships({ store, clock, bus }: MembershipsOptions): Memberships {
  const lookup = createLookup<Seat, Membership>({
    clock,
    ttlMs: TTL_MS,
    max: CACHE_MAX,
    batch: BATCH_MAX,
    idOf: ({ userId, room }) => `${userId} ${room}`,
    async read(seats) {
      const found = await store.memberships(seats);
      return found.map((membership, index) => share((seats[index] as Seat).room, membership));
    },
  });

  /** The last membership of each room. Most people in a room have equal ones, and each of their sockets keeps its own. */
  const shared = new Map<string, Membership>();
  const share = (room: string, membership: Membership): Membership => {
    const last = shared.get(room);
    if (last && isEqual(last, membership)) return last;
    shared.delete(room);
    shared.set(room, membership);
    if (shared.size > SHARED_MAX) for (const eldest of shared.keys().take(1)) shared.delete(eldest);
    return membership;
  };

  /**
   * How many overdue reads each person has. The commands of a socket wait for each other, so if each of them waited for a
   * stalled database, the last would wait many times as long as the first.
   */
  const overdue = new Map<number, number>();
  const late = () => new Refusal("busy", { retryAfterMs: LOOKUP_MS });
  const becomesOverdue = (userId: number, reading: Promise<unknown>) => {
    overdue.set(userId, (overdue.get(userId) ?? 0) + 1);
    const ended = () => {
      const rest = (overdue.get(userId) ?? 1) - 1;
      if (rest > 0) overdue.set(userId, rest);
      else overdue.delete(userId);
    };
    reading.then(ended, ended);
    return late();
  };

  const listeners: ((userId: number) => void)[] = [];
  bus.listen({
    heard(news) {
      if (news.type !== "left") return;
      lookup.forget(news);
      for (const listener of listeners) listener(news.userId);
    },
  });

  return {
    peek: lookup.peek,
    read(seat) {
      if (overdue.has(seat.userId)) return Promise.reject(late());
      lookup.forget(seat);
      const reading = lookup.get(seat);
      return before(clock, LOOKUP_MS, reading, () => becomesOverdue(seat.userId, reading));
    },
    departures: (userIds) => store.departures(userIds),
    left({ userId, room }) {
      lookup.forget({ userId, room });
      bus.announce({ type: "left", userId, room });
    },
    onLeft: (listener) => void listeners.push(listener),
  };
}

const isEqual = (one: Membership, other: Membership): boolean =>
  (Object.keys(one) as (keyof Membership)[]).every((key) => one[key] === other[key]);
