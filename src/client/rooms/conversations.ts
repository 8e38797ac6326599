import type { Connection } from "../connection.ts";
import { ChatError, errorOf } from "../errors.ts";
import { factsIn } from "../facts.ts";
import type { ActivityFrame, MessageFrame, RoomFrame, RoomsFrame } from "../message.ts";
import type { Ports } from "../ports.ts";
import { isMain } from "../list.ts";
import { roomPath } from "../page.ts";
import { mentionsPerson } from "./mentions.ts";
import { listRooms, type RoomSummary, roomIn } from "./roomlist.ts";
import type { RoomState } from "../roomstate.ts";
import type { Session } from "../session.ts";
import { createHolds } from "../holds.ts";
import { createSubject, type Store } from "../subject.ts";

/** The person's conversations. */
export interface ConversationsState {
  /** `idle`: nobody is subscribed. `offline`: continues when the connection is back. */
  readonly state: "idle" | "loading" | "live" | "offline";
  /** Pinned rooms first, then by the newest message, newest first. Hidden rooms are missing. */
  readonly items: readonly RoomSummary[];
  /** Whether there are more, which `load()` loads. */
  readonly more: boolean;
}

/**
 * The list of the person's rooms. It is loaded with the first subscription, and stays up to date without joining the rooms
 * until 10 seconds after the last one has ended.
 */
export interface Conversations extends Store<ConversationsState> {
  /** Loads the next 50 rooms into the list. @throws {ChatError} */
  load(options?: CallOptions): Promise<void>;
  /** Hides a room until it has a newer message, or shows it again. @throws {ChatError} */
  hide(room: string, on?: boolean, options?: CallOptions): Promise<void>;
  /** Keeps a room at the top, or no longer. @throws {ChatError} */
  pin(room: string, on?: boolean, options?: CallOptions): Promise<void>;
  /** Sets what the person wants to be notified about; null: what suits the kind of the room. @throws {ChatError} */
  notify(room: string, what: RoomSummary["notify"], options?: CallOptions): Promise<void>;
}

/** The side of the list that the chat uses. */
export interface ConversationsInside extends Conversations {
  connected(): void;
  disconnected(): void;
  take(frame: ActivityFrame | RoomsFrame): void;
  /** A room that the client has joined got an event. */
  joined(frame: RoomFrame): void;
  /** The person has read a room here. */
  marked(): void;
  /** Forgets everything, because somebody else is signed in. */
  drop(): void;
  /** Ends its timers, because the chat is closed. */
  close(): void;
}

interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface ConversationsOptions {
  readonly session: Session;
  readonly ports: Pick<Ports, "clock">;
  readonly connection: Pick<Connection, "open" | "ask">;
  /** The state of a room that the client is in. */
  readonly room: (name: string) => RoomState | undefined;
  readonly connect: () => void;
  readonly me: () => string | undefined;
  /** Whether the chat is closed. */
  readonly closed: () => boolean;
}

const PAGE = 50;
/** Time between two requests, in milliseconds: a list costs the person's budget. */
const APART_MS = 1_000;
const RETRY_MS = 5_000;
/** If more rooms than this are out of date, one page is read instead of each of them. */
const FEW = 3;

export function createConversations({
  session,
  ports,
  connection,
  room: stateOf,
  connect,
  me,
  closed,
}: ConversationsOptions): ConversationsInside {
  let opened = false;
  let loaded = false;
  let live = false;
  let items = new Map<string, RoomSummary>();
  let next: string | undefined;
  /** Rooms whose line is out of date. */
  const stale = new Set<string>();
  let timer: (() => void) | undefined;
  let wasPage = false;
  /** Rises when responses to earlier requests no longer matter. */
  let life = 0;

  const view = createSubject<ConversationsState>(() => ({
    state: !opened ? "idle" : live ? "live" : connection.open ? "loading" : "offline",
    items: [...items.values()]
      .filter(({ hidden }) => !hidden)
      .map(withJoined)
      .sort(byActivity),
    more: next !== undefined,
  }));

  /** What the client knows better about rooms that it is in. */
  const withJoined = (item: RoomSummary): RoomSummary => {
    const state = stateOf(item.room);
    if (state?.state !== "live" && state?.state !== "catching_up") return item;
    const { unread, lastRead, online } = state;
    const mentions = unread === 0 && item.threads === 0 ? 0 : item.mentions;
    return { ...item, ...factsIn(state), unread, lastRead, online, mentions };
  };

  const page = (after?: string, call?: CallOptions) =>
    listRooms(session, { ...call, order: "activity", after, limit: PAGE });

  const put = (those: readonly RoomSummary[]) => {
    for (const item of those) {
      stale.delete(item.room);
      if (item.role === null) items.delete(item.room);
      else items.set(item.room, item);
    }
  };

  const later = (ms: number) => {
    timer ??= ports.clock.after(ms, () => {
      timer = undefined;
      void refresh();
    });
  };

  /** Reads what is out of date, one request at a time. */
  const refresh = async () => {
    const mine = life;
    const [first] = stale;
    if (!connection.open || (loaded && first === undefined)) return;
    try {
      if (!loaded || (stale.size > FEW && !wasPage)) {
        const found = await page();
        if (mine !== life) return;
        if (!loaded) {
          items = new Map();
          ({ next } = found);
        }
        loaded = live = wasPage = true;
        put(found.items);
      } else {
        wasPage = false;
        stale.delete(first ?? "");
        const found = await roomIn(session, first ?? "");
        if (mine !== life) return;
        put([found]);
      }
      view.changed();
      if (stale.size > 0) later(APART_MS);
    } catch (thrown) {
      const error = errorOf(thrown);
      if (mine !== life) return;
      if (error.status === 403 || error.status === 404) items.delete(first ?? "");
      else if (first !== undefined) stale.add(first);
      view.changed();
      later(error.retryAfterMs ?? (error.retryable ? RETRY_MS : APART_MS));
    }
  };

  const start = () => {
    if (!opened || !connection.open) return;
    const mine = life;
    connection.ask({ type: "watch", on: true }, (reply) => {
      if (mine !== life) return;
      if (!(reply instanceof ChatError)) return void refresh();
      if (reply.retryable && reply.code !== "disconnected")
        ports.clock.after(reply.retryAfterMs ?? RETRY_MS, () => mine === life && start());
    });
  };

  const mark = (room: string) => {
    if (!opened) return;
    stale.add(room);
    if (loaded) later(APART_MS / 2);
  };

  const message = (frame: MessageFrame) => {
    const { room, change, version, id, username, user, content, timestamp, files } = frame;
    // A reply in a thread is not what the room said last, but may make a thread unread.
    if (!isMain(frame, stateOf(room)?.from ?? 1)) return change === "updated" ? undefined : mark(room);
    const item = items.get(room);
    if (!item || (item.hidden && change === "created")) return change === "created" ? mark(room) : undefined;
    if (item.mentions > 0 || mentionsPerson(frame, me())) mark(room);
    if (id >= (item.last?.id ?? 1))
      items.set(room, {
        ...item,
        version,
        last: { id, username, user, content, timestamp, ...(files && { files: files.length }) },
        lastActivity: timestamp,
      });
  };

  const prefer = async (room: string, settings: Partial<RoomSummary>, call?: CallOptions) => {
    await session.request("PUT", roomPath(room, "members/me"), { ...call, body: settings });
    const item = items.get(room);
    if (!item) return mark(room);
    const more = settings.hidden ? { pinned: false } : settings.pinned ? { hidden: false } : {};
    items.set(room, { ...item, ...settings, ...more });
    view.changed();
  };

  const reset = () => {
    life++;
    timer?.();
    timer = undefined;
    loaded = live = false;
    stale.clear();
  };

  const holds = createHolds({
    clock: ports.clock,
    closed,
    open() {
      if (opened) return;
      opened = true;
      connect();
      start();
      view.changed();
    },
    close() {
      opened = false;
      reset();
      connection.ask({ type: "watch", on: false }, () => {});
      view.changed();
    },
  });

  return {
    ...holds.over(view),
    async load(call) {
      if (next === undefined) return;
      const mine = life;
      const found = await page(next, call);
      if (mine !== life) return;
      ({ next } = found);
      put(found.items);
      view.changed();
    },
    hide: (room, hidden = true, call) => prefer(room, { hidden }, call),
    pin: (room, pinned = true, call) => prefer(room, { pinned }, call),
    notify: (room, notify, call) => prefer(room, { notify }, call),
    connected: start,
    disconnected() {
      reset();
      if (opened) view.changed();
    },
    close() {
      reset();
      holds.forget();
    },
    take({ type, room, ...frame }) {
      if (!opened) return;
      if (type === "rooms" && "change" in frame && frame.change === "removed") {
        stale.delete(room);
        if (items.delete(room)) view.changed();
        return;
      }
      mark(room);
    },
    joined(frame) {
      if (!opened) return;
      if (frame.type === "message") message(frame);
      else if (frame.type === "read" && (items.get(frame.room)?.mentions ?? 0) > 0) mark(frame.room);
      // Nothing else tells of a message that was posted right before: rooms that the client is in have no `activity`.
      else if (frame.type === "joined" && frame.version > (items.get(frame.room)?.version ?? Infinity))
        mark(frame.room);
      if (items.has(frame.room)) view.changed();
    },
    marked() {
      if (!opened) return;
      for (const { room, mentions, lastRead } of items.values())
        if (mentions > 0 && (stateOf(room)?.lastRead ?? lastRead) !== lastRead) mark(room);
      view.changed();
    },
    drop() {
      reset();
      items = new Map();
      next = undefined;
      view.changed();
    },
  };
}

const timeOf = ({ last, joinedAt }: RoomSummary) => last?.timestamp ?? joinedAt ?? "";

const compare = (one: string, other: string) => (one < other ? 1 : one > other ? -1 : 0);

const byActivity = (one: RoomSummary, other: RoomSummary) =>
  Number(other.pinned) - Number(one.pinned) ||
  compare(timeOf(one), timeOf(other)) ||
  compare(one.room, other.room);
