import { type Newcomer, senderKey } from "./statements.ts";

/** The most people remembered, over all rooms. */
const REMEMBERED = 50_000;

/**
 * Senders who are known to be members of their rooms, so that their next posts need not write that again. What is known
 * about a room holds for its number of departures: a commit that expects another number does not post to it.
 */
export interface KnownMembers {
  /** The departures that a commit has to expect; 0 for a room about which nothing is known. */
  departuresOf(room: string): number;
  /** Returns the distinct senders who are not known to be members. */
  newcomers(posts: readonly Newcomer[]): readonly Newcomer[];
  /** Remembers that these senders are members, at the departures that the commit expected. */
  enrolled(senders: readonly Newcomer[]): void;
  /** Takes note of a room's departures. If they are not what was expected, everyone known in it is forgotten. */
  seen(room: string, departures: number): void;
  /** Takes note of the database's epoch. A restored database may have other members. */
  seenEpoch(epoch: string): void;
}

export function createKnownMembers(): KnownMembers {
  const rooms = new Map<string, { departures: number; readonly members: Set<number> }>();
  let remembered = 0;
  let epoch: string | undefined;

  const forgetAll = () => {
    rooms.clear();
    remembered = 0;
  };

  return {
    departuresOf: (room) => rooms.get(room)?.departures ?? 0,
    newcomers(posts) {
      const found = new Map<string, Newcomer>();
      for (const post of posts)
        if (!rooms.get(post.room)?.members.has(post.senderId)) found.set(senderKey(post), post);
      return [...found.values()];
    },
    enrolled(senders) {
      remembered += senders.length;
      if (remembered > REMEMBERED) return forgetAll(); // their next posts bring them back
      for (const { room, senderId } of senders)
        rooms.getOrInsertComputed(room, () => ({ departures: 0, members: new Set() })).members.add(senderId);
    },
    seen(room, departures) {
      if ((rooms.get(room)?.departures ?? 0) === departures) return;
      rooms.set(room, { departures, members: new Set() });
      if (++remembered > REMEMBERED) forgetAll();
    },
    seenEpoch(current) {
      if (epoch !== current) forgetAll();
      epoch = current;
    },
  };
}
