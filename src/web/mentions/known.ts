import type { Chat, Room, User } from "../../client/index.ts";

/** People whom the page knows. */
export interface Known {
  /** Those whom a text in the room can mention, by username: members first, then others. */
  people(): ReadonlyMap<string, User>;
  /** Reads who is in the room. */
  load(): Promise<void>;
  /** The number of members that were read, and whether there are more. */
  readonly members: { readonly count: number; readonly more: boolean } | undefined;
}

/** Members that are read: more are found by those who wrote. */
const READ = 200;
/** Newest messages whose senders are known. */
const SENDERS = 200;

const all = new WeakMap<Room, Known>();

/** The people whom a text in a room can mention. The same for each call. */
export function knownIn(chat: Chat, room: Room): Known {
  const known = all.get(room) ?? createKnown(chat, room);
  all.set(room, known);
  return known;
}

function createKnown(chat: Chat, room: Room): Known {
  let members: readonly User[] = [];
  let size: Known["members"];
  let loading: Promise<void> | undefined;

  const load = async () => {
    const { items, next } = await room.members.read({ limit: READ });
    members = items;
    size = { count: items.length, more: next !== undefined };
  };

  return {
    get members() {
      return size;
    },
    people() {
      const found = new Map<string, User>();
      const add = (user: User) => {
        if (user.username !== "parley" && !found.has(user.username)) found.set(user.username, user);
      };
      members.forEach(add);
      const { people, messages } = room.snapshot();
      people.forEach(add);
      for (const { user, username, mentions = [] } of messages.slice(-SENDERS)) {
        add({ ...user, username });
        mentions.forEach(add);
      }
      for (const { people: others = [], last } of chat.rooms().snapshot().items) {
        others.forEach(add);
        if (last) add({ ...last.user, username: last.username });
      }
      return found;
    },
    load: () =>
      (loading ??= load().catch(() => {
        loading = undefined;
      })),
  };
}
