import {
  type Chat,
  type ChatError,
  createSubject,
  type LastMessage,
  type Message,
  type RoomSummary,
} from "../client/index.ts";
import { listRooms } from "./listing.ts";
import type { Source } from "./source.ts";
import { createTalk, type Talk } from "./talk.ts";

/** A room in the list. */
export interface RoomLine {
  readonly name: string;
  readonly last: LastMessage | null;
  /** 100 means 100 or more. */
  readonly unread: number;
  /** Whether someone is typing. */
  readonly typing: boolean;
}

export interface RoomsState {
  /** Most recently active first. */
  readonly lines: readonly RoomLine[];
  /** Whether the list was loaded from the server. */
  readonly loaded: boolean;
  readonly unread: number;
}

/** The person's rooms, updated live. */
export interface Rooms extends Source<RoomsState> {
  /** Joins the room. */
  talk(name: string): Talk;
  /** Ends the person's membership. @throws {ChatError} */
  leave(name: string): Promise<void>;
  /** Returns the names of all rooms that the person may enter. */
  others(): Promise<readonly string[]>;
  /** Returns the names of rooms that look like this one and that the person may enter. */
  alike(name: string): Promise<readonly string[]>;
  refresh(): void;
}

interface Entry {
  readonly name: string;
  readonly enteredAt: string;
  last: LastMessage | null;
  unread: number;
  talk?: Talk;
  /** Stops listening to the room. */
  stop?(): void;
}

/** How many of the most recently active rooms are followed live. A socket can be in 200. */
const LIVE_MAX = 100;

/** How many messages a room keeps, so that messages on the screen are not dropped while others write. */
const KEEP = 20_000;

/** `left` is called when the person left a room, here or on another device. */
export function createRooms(chat: Chat, left: (name: string) => void): Rooms {
  const entries = new Map<string, Entry>();
  let loaded = false;
  let loading = false;
  let wasOpen = false;
  /** Rooms left since the list was last requested. A response that still has them is outdated. */
  const gone = new Set<string>();

  const source = createSubject<RoomsState>(() => {
    const lines = [...entries.values()].toSorted(byActivity).map(lineOf);
    return { lines, loaded, unread: lines.reduce((sum, { unread }) => sum + unread, 0) };
  });

  const lineOf = ({ name, last, unread, talk }: Entry): RoomLine => {
    const room = talk?.room.snapshot();
    const known = room && room.state !== "out" && room.state !== "joining";
    return { name, last, unread: known ? room.unread : unread, typing: (room?.typing.length ?? 0) > 0 };
  };

  const entryOf = (name: string): Entry => {
    const known = entries.get(name);
    if (known) return known;
    const entry: Entry = { name, enteredAt: new Date().toISOString(), last: null, unread: 0 };
    entries.set(name, entry);
    return entry;
  };

  const follow = (entry: Entry): Talk => {
    if (entry.talk) return entry.talk;
    const room = chat.room(entry.name, { history: 0, keep: KEEP });
    const seen = (message: Message) => {
      if (message.id >= (entry.last?.id ?? 0)) entry.last = message;
    };
    const off = room.on("message", seen);
    let drawn = "";
    const unsubscribe = room.subscribe(() => {
      if (room.snapshot().error?.code === "left") return forget(entry);
      const newest = room.snapshot().messages.at(-1);
      if (newest) seen(newest);
      const { last, unread, typing } = lineOf(entry);
      const shown = `${last?.id} ${last?.content} ${unread} ${typing}`;
      if (shown === drawn) return;
      drawn = shown;
      source.changed();
    });
    const talk = createTalk(room);
    entry.stop = () => {
      off();
      unsubscribe();
      talk.close();
    };
    return (entry.talk = talk);
  };

  const forget = (entry: Entry) => {
    entry.stop?.();
    entries.delete(entry.name);
    gone.add(entry.name);
    left(entry.name);
    source.changed();
  };

  const take = (listed: readonly RoomSummary[]) => {
    for (const { room, last, unread } of listed) {
      if (gone.has(room)) continue;
      const entry = entryOf(room);
      if ((last?.id ?? 0) >= (entry.last?.id ?? 0)) entry.last = last;
      entry.unread = unread;
    }
    loaded = true;
    for (const entry of [...entries.values()].toSorted(byActivity).slice(0, LIVE_MAX)) follow(entry);
    source.changed();
  };

  const refresh = () => {
    if (loading || !chat.snapshot().account) return;
    loading = true;
    gone.clear();
    listRooms(chat)
      // Requested again when the connection is back, or when the server says.
      .then(take, ({ retryAfterMs }: Partial<ChatError>) => {
        if (retryAfterMs) setTimeout(refresh, retryAfterMs);
      })
      .finally(() => (loading = false));
  };

  chat.on("session", ({ account }) => {
    for (const { talk, stop } of entries.values()) {
      stop?.();
      talk?.room.leave();
    }
    entries.clear();
    loaded = false;
    source.changed();
    if (account) refresh();
  });
  chat.on("connection", ({ state }) => {
    if (state === "open" && !wasOpen) refresh();
    wasOpen = state === "open";
  });
  refresh();

  return {
    snapshot: source.snapshot,
    subscribe: source.subscribe,
    async leave(name) {
      await chat.leaveRoom(name);
      // A room that the page does not follow emits no event.
      const entry = entries.get(name);
      if (entry) forget(entry);
    },
    talk: (name) => {
      const fresh = !entries.has(name);
      const talk = follow(entryOf(name));
      if (fresh) queueMicrotask(source.changed);
      return talk;
    },
    others: async () => (await listRooms(chat, true)).map(({ room }) => room),
    alike: async (name) => (await chat.listRooms({ like: name })).rooms.map(({ room }) => room),
    refresh,
  };
}

const byActivity = (a: Entry, b: Entry) => timeOf(b).localeCompare(timeOf(a)) || a.name.localeCompare(b.name);
const timeOf = ({ last, enteredAt }: Entry) => last?.timestamp ?? enteredAt;
