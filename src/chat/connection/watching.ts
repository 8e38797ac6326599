import type { Bus } from "../../bus/bus.ts";
import { type Clock, every } from "../../clock.ts";
import { Refusal } from "../../errors.ts";
import { gatherer } from "../../gather.ts";
import type { RoomChange } from "../../message.ts";
import type { WatchedRoom, WatchStore } from "../watch.ts";
import { createFollower, type Follower } from "./follower.ts";
import type { Access } from "../access/access.ts";
import type { ListChange } from "./codec.ts";
import type { Hub, OpenConnection } from "./hub.ts";
import { createMentioned } from "./mentioned.ts";

/** How often the rooms are compared with the database, in milliseconds, and how many of them each time. */
const LOOK_MS = 1_000;
const LOOKED_AT = 4_000;
const COMPARED = 1_000;
/** The shortest time between two events for one room, in milliseconds. */
const APART_MS = 1_000;
/** Events that are sent in one turn, and the time until the next ones, in milliseconds: at most 20,000 a second. */
const SLICE = 500;
const SLICE_MS = 25;
/** How often rooms that wait are looked at again, in milliseconds. */
const RETRY_MS = 250;
/** Nobody is told of activity if it is longer ago than this, in milliseconds, that memberships were checked. */
const CHECKED_MS = 8_000;
/** How long news for other nodes is gathered, in milliseconds, and about how many rooms. */
const GATHER_MS = 500;
const GATHERED_MAX = 5_000;
const ANNOUNCED = 1_000;
/** The most rooms of all watching people together, a room counted for each of them. */
const PAIRS_MAX = 1_000_000;
const BUSY_MS = 5_000;
/** People whose rooms are read in one statement. */
const LOADED = 50;
/** Rooms told of in one turn. */
const TOLD = 1_000;

/** Tells sockets what happens in their people's rooms that they have not joined. */
export interface Watching {
  /** Starts for one socket of a person. Resolves once their rooms are known. Undo it with `remove`, also if it fails. */
  add(userId: number): Promise<void>;
  remove(userId: number): void;
  /** Takes a range that was committed on this node. */
  committed(change: RoomChange): void;
  /** The database was restored, and all sockets are about to be closed. */
  restored(): void;
  /** Repeats for a socket that missed events what has happened since then. */
  resend(connection: OpenConnection, since: number): void;
  stop(): void;
}

interface Room extends WatchedRoom {
  post: number;
  title: number;
  /** When it was last active, and when its watchers were last told. */
  activeAt: number;
  toldAt: number;
  /** The last message that they were told of. */
  told: number;
  /** Whether a message after it may mention someone. */
  mayMention: boolean;
  readonly watchers: Set<Watcher>;
}

interface Watcher {
  readonly userId: number;
  sockets: number;
  readonly rooms: Set<Room>;
  /** While the rooms are being read: those that the person is out of by now. */
  gone: Set<number> | undefined;
  readonly loaded: Promise<void>;
}

interface WatchingOptions {
  readonly store: WatchStore;
  readonly hub: Pick<Hub, "of">;
  readonly bus: Pick<Bus, "others" | "announce" | "listen">;
  readonly access: Pick<Access, "mayList">;
  readonly clock: Clock;
  /** The latest stamp of memberships when the process started. */
  readonly stamp: number;
}

/**
 * The rooms of all watching people, each once. What is committed here is known at once, what other nodes commit comes over
 * the bus, and whatever was lost is found by comparing a share of the rooms each second. Memberships come from a
 * {@link Follower}.
 */
export function createWatching({ store, hub, bus, access, clock, stamp }: WatchingOptions): Watching {
  const rooms = new Map<string, Room>();
  const watchers = new Map<number, Watcher>();
  const due = new Set<Room>();
  let pairs = 0;
  let draining = false;
  let looked = rooms.values();
  let outgoing = new Map<string, number>();

  const mentioned = createMentioned(store);
  const load = gatherer(clock, LOADED, (userIds: readonly number[]) => store.roomsOf(userIds));

  const attach = (watcher: Watcher, found: WatchedRoom) => {
    watcher.gone?.delete(found.roomId);
    const room = rooms.getOrInsertComputed(found.room, () => ({
      ...found,
      activeAt: -Infinity,
      toldAt: -Infinity,
      told: found.post,
      mayMention: false,
      watchers: new Set(),
    }));
    if (room.watchers.has(watcher)) return false;
    room.watchers.add(watcher);
    watcher.rooms.add(room);
    pairs++;
    return true;
  };

  const detach = (watcher: Watcher, room: Room) => {
    if (!room.watchers.delete(watcher)) return;
    watcher.rooms.delete(room);
    pairs--;
    if (room.watchers.size > 0) return;
    rooms.delete(room.room);
    due.delete(room);
  };

  /** Tells all sockets of a person whose tokens allow the room. */
  const tellAll = (userId: number, room: string, change: ListChange) => {
    for (const { identity, protocol } of hub.of(userId))
      if (access.mayList(identity, room)) protocol.listed(room, change);
  };

  const moved = (room: Room | undefined, post: number, mayMention = true) => {
    if (!room || post <= room.post) return;
    room.post = post;
    room.mayMention ||= mayMention;
    room.activeAt = clock.monotonic();
    due.add(room);
    start();
  };

  const start = () => {
    if (draining || due.size === 0) return;
    draining = true;
    clock.soon(() => void drain());
  };

  async function drain(): Promise<void> {
    let sent = 0;
    const begun = clock.monotonic();
    const ready = [...due].filter(({ toldAt }) => begun - toldAt >= APART_MS).slice(0, TOLD);
    const mentionsIn = await mentioned(ready);
    for (const room of ready) {
      const now = clock.monotonic();
      if (now - follower.checkedAt > CHECKED_MS) break;
      // Nobody watches it any more.
      if (!due.delete(room)) continue;
      const { post, told } = room;
      room.toldAt = now;
      room.told = post;
      room.mayMention = false;
      const mentions = await mentionsIn(room, told);
      for (const watcher of room.watchers) {
        for (const socket of hub.of(watcher.userId)) {
          socket.watchIfAny?.active(room.room, post, mentions.get(watcher.userId));
          sent++;
        }
        if (sent < SLICE) continue;
        sent = 0;
        await new Promise<void>((resolve) => void clock.after(SLICE_MS, resolve));
      }
    }
    draining = false;
    if (due.size > 0) clock.after(RETRY_MS, start);
  }

  const renamed = (room: Room | undefined) => {
    for (const watcher of room?.watchers ?? []) if (room) tellAll(watcher.userId, room.room, "renamed");
  };

  /** Compares the next share of the rooms with the database. */
  async function look(): Promise<void> {
    const some = [...looked.take(LOOKED_AT)];
    if (some.length < LOOKED_AT) looked = rooms.values();
    for (let from = 0; from < some.length; from += COMPARED) {
      const chunk = some.slice(from, from + COMPARED);
      const states = new Map(
        (await store.states(chunk.map(({ roomId }) => roomId))).map((state) => [state.roomId, state]),
      );
      for (const room of chunk) {
        const state = states.get(room.roomId);
        if (!state) {
          for (const watcher of room.watchers) {
            detach(watcher, room);
            tellAll(watcher.userId, room.room, "removed");
          }
          continue;
        }
        moved(room, state.post);
        if (state.title === room.title) continue;
        room.title = state.title;
        renamed(room);
      }
    }
  }

  const follower: Follower = createFollower({
    store,
    clock,
    stamp,
    changed({ userId, isIn, isNew, ...found }) {
      const watcher = watchers.get(userId);
      const room = rooms.get(found.room);
      let change: ListChange = isNew ? "added" : "changed";
      if (!isIn) change = "removed";
      if (watcher && isIn && !attach(watcher, found)) change = "changed";
      if (watcher && !isIn) {
        watcher.gone?.add(found.roomId);
        if (room) detach(watcher, room);
      }
      tellAll(userId, found.room, change);
    },
  });

  const flush = () => {
    const news = [...outgoing];
    outgoing = new Map();
    for (let from = 0; from < news.length; from += ANNOUNCED)
      bus.announce({ type: "activity", rooms: news.slice(from, from + ANNOUNCED) });
  };

  bus.listen({
    heard(news) {
      if (news.type === "activity") for (const [room, post] of news.rooms) moved(rooms.get(room), post);
    },
  });

  /** The database is away: the check of the rooms logs it, and the next look comes. */
  const stopLooking = every(clock, LOOK_MS, () => look().catch(() => {}));

  const begin = (userId: number): Watcher => {
    const watcher: Watcher = {
      userId,
      sockets: 0,
      rooms: new Set(),
      gone: new Set(),
      // Without the follower, a removal during the read would go unseen, and the person would be told for ever.
      loaded: follower
        .ready()
        .then(() => load(userId))
        .then((found) => {
          const { gone } = watcher;
          watcher.gone = undefined;
          if (watchers.get(userId) !== watcher) return;
          for (const room of found) if (!gone?.has(room.roomId)) attach(watcher, room);
        }),
    };
    watchers.set(userId, watcher);
    return watcher;
  };

  return {
    async add(userId) {
      if (pairs >= PAIRS_MAX) throw new Refusal("busy", { retryAfterMs: BUSY_MS });
      const watcher = watchers.get(userId) ?? begin(userId);
      watcher.sockets++;
      await watcher.loaded;
    },
    remove(userId) {
      const watcher = watchers.get(userId);
      if (!watcher || --watcher.sockets > 0) return;
      watchers.delete(userId);
      for (const room of watcher.rooms) detach(watcher, room);
    },
    committed({ room, states }) {
      const post = states.findLast(({ id, version, notice }) => id === version && notice === null)?.id;
      if (post !== undefined) {
        const mayMention = states.some(({ mentions }) => mentions !== null);
        moved(rooms.get(room), post, mayMention);
        if (bus.others > 0 && outgoing.size < GATHERED_MAX) {
          if (outgoing.size === 0) clock.after(GATHER_MS, flush);
          outgoing.set(room, post);
        }
      }
      if (states.some(({ notice }) => notice && notice.users.length > 0)) follower.hurry();
    },
    restored: follower.restart,
    resend(connection, since) {
      const watcher = watchers.get(connection.identity.userId);
      for (const { room, post, activeAt } of watcher?.rooms ?? [])
        if (activeAt >= since) connection.watchIfAny?.active(room, post);
    },
    stop() {
      stopLooking();
      follower.stop();
    },
  };
}
