import type { WatchStore } from "../watch.ts";

/** People whose mentions are counted in one statement. */
const COUNTED = 500;
const NONE: ReadonlyMap<number, number> = new Map();

interface Room {
  readonly roomId: number;
  /** The last message that its watchers were told of. */
  readonly told: number;
  /** Whether a message after it may mention someone. */
  readonly mayMention: boolean;
  readonly watchers: ReadonlySet<{ readonly userId: number }>;
}

/** Counts the unread mentions of people whom new messages mention. If the database is away, there are no numbers. */
export const createMentioned = (store: Pick<WatchStore, "mentioning" | "mentions">) => {
  const count = async ({ roomId, watchers }: Room, after: number) => {
    const userIds = [...watchers].map(({ userId }) => userId);
    const counts = new Map<number, number>();
    for (let from = 0; from < userIds.length; from += COUNTED) {
      const some = await store.mentions({ roomId, after, userIds: userIds.slice(from, from + COUNTED) });
      for (const [userId, mentions] of some) counts.set(userId, mentions);
    }
    return counts;
  };

  /** Looks which of some rooms have new mentions. Returns what counts them in one room. */
  return async (rooms: readonly Room[]) => {
    const asked = rooms.filter(({ mayMention }) => mayMention);
    const found =
      asked.length === 0
        ? new Set<number>()
        : await store
            .mentioning(asked.map(({ roomId, told }) => ({ roomId, after: told })))
            .catch(() => new Set<number>());
    return async (room: Room, after: number): Promise<ReadonlyMap<number, number>> =>
      found.has(room.roomId) ? count(room, after).catch(() => NONE) : NONE;
  };
};
