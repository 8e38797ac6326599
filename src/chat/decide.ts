import type { Ack, Post } from "./post.ts";

/** A locked room: its counter, and the time that its changes get. */
export interface RoomState {
  readonly version: number;
  readonly at: string;
}

/** What the database knows of a batch: the rooms that are locked, and the acks that posts of it have already. */
export interface Known {
  readonly rooms: ReadonlyMap<string, RoomState>;
  readonly acks: ReadonlyMap<string, Ack>;
}

export interface Decision {
  readonly acks: readonly Ack[];
  /** The posts that are to be written, each with its ack. */
  readonly posted: readonly { readonly post: Post; readonly ack: Ack }[];
  /** The counters that moved. */
  readonly versions: ReadonlyMap<string, number>;
}

/** What makes a post one post. */
export const postKey = ({ room, senderId, clientId }: Pick<Post, "room" | "senderId" | "clientId">) =>
  `${senderId} ${clientId} ${room}`;

/** Decides a batch of posts, in their order: who takes a version, who has one already. Pure. */
export function decide(posts: readonly Post[], { rooms, acks: known }: Known): Decision {
  const seen = new Map(known);
  const versions = new Map<string, number>();
  const posted: { post: Post; ack: Ack }[] = [];
  const acks = posts.map((post): Ack => {
    const key = postKey(post);
    const before = seen.get(key);
    if (before) return { ...before, duplicate: true };
    const room = rooms.get(post.room);
    if (!room) throw new Error("a post's room is not locked");
    const version = (versions.get(post.room) ?? room.version) + 1;
    const ack = { id: version, version, timestamp: room.at, duplicate: false };
    seen.set(key, ack);
    versions.set(post.room, version);
    posted.push({ post, ack });
    return ack;
  });
  return { acks, posted, versions };
}
