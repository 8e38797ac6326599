import { type Chat, createSubject, type Room, type RoomSummary, type User } from "../../client/index.ts";
import { factsOf, newLine } from "./line.ts";
import { createRecall, withRecall } from "../kept/recall.ts";
import { listAll } from "./listing.ts";
import { mainOf } from "./main.ts";
import { hasPictures, learnPictures } from "../parts/pictures.ts";
import type { Source } from "../parts/source.ts";
import type { Talk } from "../composer/talk.ts";
import { othersIn, titleOf } from "../words/naming.ts";

/** A room in the list. */
export interface RoomLine extends RoomSummary {
  /** What the room is called here. */
  readonly label: string;
  /** Whether someone is typing. */
  readonly typing: boolean;
}

export interface RoomsState {
  /** Pinned rooms first, then the most recently active. Without hidden ones. */
  readonly lines: readonly RoomLine[];
  /** The hidden rooms, while they are shown. */
  readonly hidden: readonly RoomLine[] | undefined;
  /** Whether the list was loaded from the server. */
  readonly loaded: boolean;
  /** Whether there are more than in `lines`. */
  readonly more: boolean;
  readonly unread: number;
}

/** A room that the person may enter. */
export interface Found {
  readonly name: string;
  readonly label: string;
  readonly kind: RoomSummary["kind"];
  /** Whether the person is a member. */
  readonly mine?: boolean;
  /** The other people of a direct room. */
  readonly with?: readonly User[];
}

/** The person's rooms, updated live. */
export interface Rooms extends Source<RoomsState> {
  /** Joins the room. */
  talk(name: string): Talk;
  /** Returns the rooms that were opened. */
  opened(): readonly Room[];
  /** Returns what the list says about a room. */
  find(name: string): RoomLine | undefined;
  /** Ends the person's membership. `heir` becomes an owner. @throws {ChatError} */
  leave(name: string, heir?: string): Promise<void>;
  /** Returns the person's rooms: those that were opened last, then the list. */
  recent(): readonly Found[];
  /** Resolves once the list was loaded. */
  loading(): Promise<void>;
  /** Returns all rooms that the person may enter. */
  others(): Promise<readonly Found[]>;
  /** Returns the names of rooms that look like this one and that the person may enter. */
  alike(name: string): Promise<readonly string[]>;
  more(): void;
  /** Shows or hides the hidden rooms. */
  showHidden(on: boolean): void;
  pin(name: string, on: boolean): Promise<void>;
  hide(name: string, on: boolean): Promise<void>;
  notify(name: string, what: RoomSummary["notify"]): Promise<void>;
}

interface Open {
  readonly talk: Talk;
  /** What the list said last about the room. */
  line: RoomSummary;
  stop(): void;
}

/** How many opened rooms are followed. A socket can be in 200. */
const OPEN_MAX = 50;

/** A room keeps many messages, so that those on the screen are not dropped while others write. */
export const ROOM = { history: 0, keep: 20_000 } as const;

interface RoomsParts {
  readonly chat: Chat;
  talkIn(room: Room): Talk;
  /** Called when the person left a room, here or on another device. */
  left(name: string): void;
}

export function createRooms({ chat, talkIn, left }: RoomsParts): Rooms {
  const list = chat.rooms();
  const recall = createRecall(chat);
  /** The rooms that were opened, the latest last. */
  const open = new Map<string, Open>();
  /** Rooms that have been in the list. Those that are not there any more were hidden, or the person is out of them. */
  const seen = new Set<string>();
  let hidden: readonly RoomSummary[] | undefined;
  let loaded = false;
  let account: string | undefined;

  const source = createSubject<RoomsState>(() => {
    const { items: listed, more } = list.snapshot();
    const items = listed.length === 0 && !loaded ? (recall.snapshot()?.lines ?? listed) : listed;
    // A room is listed once it is opened, before the server lists it.
    const entered = [...open.values()].reverse().flatMap(({ talk, line }) => {
      const { name, state } = talk.room.snapshot();
      return seen.has(name) || items.some(({ room }) => room === name) || line.hidden || state === "out"
        ? []
        : [line];
    });
    const pinned = items.filter(({ pinned }) => pinned);
    const lines = [...pinned, ...entered, ...items.slice(pinned.length)].map(lineOf);
    const unread = lines.reduce((sum, line) => sum + line.unread, 0);
    return { lines, hidden: hidden?.map(lineOf), loaded, more, unread };
  });

  const lineOf = (item: RoomSummary): RoomLine => {
    const state = open.get(item.room)?.talk.room.snapshot();
    const line = state?.kind && state.state !== "out" ? { ...item, ...factsOf(state) } : item;
    return { ...line, label: titleOf(line, chat.snapshot().me?.id), typing: (state?.typing.length ?? 0) > 0 };
  };

  const foundOf = (line: RoomSummary): Found => {
    const me = chat.snapshot().me?.id;
    const { room: name, kind, role } = line;
    const others = kind === "direct" ? othersIn(line, me) : undefined;
    return { name, label: titleOf(line, me), kind, mine: role !== null, ...(others && { with: others }) };
  };

  const start = (name: string): Open => {
    const room = mainOf(withRecall(chat.room(name, ROOM).join(), recall));
    if (hasPictures)
      room.members.read().then(
        ({ items }) => learnPictures(items),
        () => {},
      );
    const talk = talkIn(room);
    let drawn = "";
    const off = room.subscribe(() => {
      const snapshot = room.snapshot();
      const { error, state, typing, unread } = snapshot;
      if (error?.code === "left") return forget(name);
      const shown = JSON.stringify([state, typing.length > 0, unread, factsOf(snapshot)]);
      if (shown !== drawn) source.changed();
      drawn = shown;
    });
    const stop = () => {
      off();
      talk.close();
    };
    return { talk, line: find(name) ?? newLine(room.name), stop };
  };

  const find = (name: string) => {
    const { lines, hidden } = source.snapshot();
    const opened = open.get(name);
    return [...lines, ...(hidden ?? [])].find(({ room }) => room === name) ?? (opened && lineOf(opened.line));
  };

  const forget = (name: string) => {
    if (!open.has(name)) return;
    open.get(name)?.stop();
    open.delete(name);
    seen.delete(name);
    left(name);
    source.changed();
  };

  /** Stops following the rooms that were opened longest ago. */
  const trim = () => {
    for (const [name, { talk }] of open) {
      if (open.size <= OPEN_MAX) return;
      open.get(name)?.stop();
      open.delete(name);
      talk.room.leave();
    }
  };

  const loadHidden = async () => {
    const found = await listAll(chat, { order: "activity", hidden: true });
    if (hidden) hidden = found.filter((room) => room.hidden);
    source.changed();
  };

  const reload = () => {
    if (hidden) void loadHidden().catch(() => {});
  };

  chat.on("session", ({ account: next }) => {
    if (next?.email === account) return;
    account = next?.email;
    for (const { talk, stop } of open.values()) {
      stop();
      talk.room.leave();
    }
    open.clear();
    seen.clear();
    loaded = false;
    hidden = undefined;
    source.changed();
  });
  account = chat.snapshot().account?.email;
  chat.subscribe(() => {
    const { me } = chat.snapshot();
    if (me) learnPictures([me]);
    source.changed();
  });
  list.subscribe(() => {
    const { state, items } = list.snapshot();
    learnPictures(items.flatMap(({ people = [] }) => people));
    if (state === "live") loaded = true;
    for (const item of items) {
      seen.add(item.room);
      const opened = open.get(item.room);
      if (opened) opened.line = item;
    }
    source.changed();
  });

  return {
    snapshot: source.snapshot,
    subscribe: source.subscribe,
    find,
    opened: () => [...open.values()].map(({ talk }) => talk.room),
    talk(name) {
      const known = open.get(name);
      const opened = known ?? start(name);
      // The latest is the last to be trimmed.
      open.delete(name);
      open.set(name, opened);
      trim();
      if (!known) queueMicrotask(source.changed);
      return opened.talk;
    },
    async leave(name, heir) {
      await chat.leaveRoom(name, heir === undefined ? {} : { heir });
      // A room that the page does not follow emits no event.
      forget(name);
    },
    recent() {
      const lines = source.snapshot().lines.map(foundOf);
      const byName = new Map(lines.map((line) => [line.name, line]));
      const opened = [...open.keys()].reverse().flatMap((name) => byName.get(name) ?? []);
      return [...new Set([...opened, ...lines])];
    },
    loading: () =>
      new Promise((resolve) => {
        const look = () => {
          if (!loaded) return;
          off();
          resolve();
        };
        const off = source.subscribe(look);
        look();
      }),
    others: async () => (await listAll(chat, { all: true })).map(foundOf),
    alike: async (name) => (await chat.listRooms({ like: name })).items.map(({ room }) => room),
    more: () => void list.load().catch(() => {}),
    showHidden(on) {
      hidden = on ? (hidden ?? []) : undefined;
      reload();
      source.changed();
    },
    pin: (name, on) => list.pin(name, on).then(reload),
    async hide(name, on) {
      await list.hide(name, on);
      const opened = open.get(name);
      if (opened) opened.line = { ...opened.line, hidden: on, pinned: opened.line.pinned && !on };
      source.changed();
      reload();
    },
    notify: (name, what) => list.notify(name, what).then(reload),
  };
}
