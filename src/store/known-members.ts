import { type Newcomer, senderKey } from "./posting.ts";

/** The most people and rooms remembered. */
const REMEMBERED = 50_000;

/**
 * Senders who are known to be members of their rooms, so that their next posts need not write that again. What is known
 * about a room holds for its number of leavers: a commit that expects another number does not post to it.
 */
export interface KnownMembers {
  /** The leavers that a commit has to expect; 0 for a room about which nothing is known. */
  leaversOf(room: string): number;
  /** Returns the distinct senders who are not known to be members. */
  newcomers(posts: readonly Newcomer[]): readonly Newcomer[];
  /** Remembers that these senders are members, at the leavers that the commit expected. */
  enrolled(senders: readonly Newcomer[]): void;
  /** Takes note of a room's leavers. If they are not what was expected, everyone known in it is forgotten. */
  seen(room: string, leavers: number): void;
  /** Takes note of the database's epoch. A restored database may have other members. */
  seenEpoch(epoch: string): void;
}

export function createKnownMembers(): KnownMembers {
  const rooms = new Map<string, { leavers: number; readonly members: Set<number> }>();
  let remembered = 0;
  let epoch: string | undefined;

  const forgetAll = () => {
    rooms.clear();
    remembered = 0;
  };

  /**
   * Forgets the rooms to which nobody new has posted for the longest time, until there is space: their next posts bring them
   * back. So anyone who posts to very many rooms displaces a few others, and never all at once.
   */
  const makeSpace = () => {
    for (const [room, { members }] of rooms) {
      if (remembered <= REMEMBERED) return;
      rooms.delete(room);
      remembered -= members.size + 1;
    }
  };

  /** The most recent one is last. */
  const renew = (room: string, leavers: number, members: Set<number>) => {
    if (!rooms.delete(room)) remembered++;
    rooms.set(room, { leavers, members });
  };

  return {
    leaversOf: (room) => rooms.get(room)?.leavers ?? 0,
    newcomers(posts) {
      const found = new Map<string, Newcomer>();
      for (const post of posts)
        if (!rooms.get(post.room)?.members.has(post.senderId)) found.set(senderKey(post), post);
      return [...found.values()];
    },
    enrolled(senders) {
      for (const { room, senderId } of senders) {
        const { leavers = 0, members = new Set<number>() } = rooms.get(room) ?? {};
        if (!members.has(senderId)) remembered++;
        members.add(senderId);
        renew(room, leavers, members);
      }
      makeSpace();
    },
    seen(room, leavers) {
      const known = rooms.get(room);
      if ((known?.leavers ?? 0) === leavers) return;
      remembered -= known?.members.size ?? 0;
      renew(room, leavers, new Set());
      makeSpace();
    },
    seenEpoch(current) {
      if (epoch !== current) forgetAll();
      epoch = current;
    },
  };
}
