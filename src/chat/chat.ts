import type { Budgets } from "../budgets.ts";
import type { Bus } from "../bus/bus.ts";
import type { Clock } from "../clock.ts";
import type { RoomAction } from "../grants.ts";
import type { Identity, Standing } from "../identity.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import type { Order } from "../order.ts";
import { createPlaces } from "../limits/places.ts";
import { createTurns } from "../limits/turns.ts";
import { createAccess, type RoomPolicy } from "./access/access.ts";
import { createDeparted } from "./access/departed.ts";
import { createLists, type ListedRoom, type RecentQuery, type RoomPage } from "./access/lists.ts";
import { createSubmit } from "./access/submit.ts";
import type { Ack, Removal, Submission } from "./change.ts";
import { createPlain } from "./codecs/plain.ts";
import { createV1, presenceFrame } from "./codecs/v1.ts";
import { createCommands } from "./commands/table.ts";
import { createConnection } from "./connection/connection.ts";
import { createGuard } from "./connection/guard.ts";
import { createHub, type Subscriptions } from "./connection/hub.ts";
import type { Connection, ConnectionOptions } from "./connection/parts.ts";
import { createWatching } from "./connection/watching.ts";
import { createAdmission } from "./delivery/admission.ts";
import { createDelivery } from "./delivery/delivery.ts";
import type { Format } from "./delivery/encoder.ts";
import { createCounts } from "./ephemeral/counts.ts";
import { createMarks } from "./ephemeral/marks.ts";
import { createPresence } from "./ephemeral/presence.ts";
import { createTyping } from "./ephemeral/typing.ts";
import { READS_IN_FLIGHT, READS_WAITING } from "./limits.ts";
import { createObserver } from "./observe.ts";
import type { Pass } from "./pass.ts";
import type { Preferences, RoomRange } from "./lists.ts";
import type { ChatStore, Fanout } from "./ports.ts";
import { createCommitter } from "./room/committer.ts";
import { createHistory, type Fit, type HistoryQuery, type HistoryResult } from "./room/history.ts";
import { createMembers } from "./room/members.ts";
import { type Removed, removeMessages, type Sender } from "./room/removal.ts";
import { settled } from "./room/settled.ts";
import { createRooms } from "./room/rooms.ts";

export type { Ack, Submission } from "./change.ts";
export { type ShownMessage, shown } from "./codecs/encode.ts";
export type { Connection } from "./connection/parts.ts";
export type { Format } from "./delivery/encoder.ts";
export { HARD_LIMIT } from "./limits.ts";
export type { Pass } from "./pass.ts";
export { type RoomSummary, ROOMS_MAX } from "./lists.ts";
export { type Fanout, type Socket, UNREAD_MAX } from "./ports.ts";
export { type Fit, type HistoryQuery, type HistoryResult, pagesOf } from "./room/history.ts";
export type { ListedRoom, RoomPage } from "./access/lists.ts";

/**
 * Rooms, messages and sockets: the API of this folder. Transports and consumers import no other file of it. What concerns
 * a room takes a {@link Pass}, which only `enter` gives out.
 */
export interface Chat {
  /**
   * Checks that a person may do something in a room.
   * @throws {Refusal} forbidden; `unavailable` if that cannot be checked right now.
   */
  enter<A extends RoomAction = "read">(person: Identity, room: string, action?: A): Promise<Pass<A>>;
  /**
   * Commits a change, which the caller has charged to the budget `messages`. A repeat with the same clientId resolves to
   * the first ack.
   * @throws {Refusal} invalid, rate_limited, busy, not_found and so on; `unavailable` if the outcome is unknown.
   */
  submit(pass: Pass<"post">, change: Submission): Promise<Ack>;
  /** Reads a page of history, as much as fits. @throws {Refusal} busy, unavailable. */
  page(pass: Pass, query: HistoryQuery, fit: Fit): Promise<HistoryResult>;
  /** Lists rooms by name, only those that the person may enter. @throws {Refusal} busy, unavailable. */
  rooms(person: Identity, range: Omit<RoomRange, "patterns">): Promise<RoomPage>;
  /** Lists a person's rooms by activity, only those that they may enter. @throws {Refusal} invalid, busy, unavailable. */
  recent(person: Identity, query: RecentQuery): Promise<RoomPage>;
  /** Reads one room as a list would show it. @throws {Refusal} unavailable. */
  room(pass: Pass): Promise<ListedRoom>;
  /** Changes what a member keeps about a room for themselves. @throws {Refusal} not_found, unavailable. */
  prefer(pass: Pass, preferences: Preferences): Promise<void>;
  /**
   * Ends a person's membership of a room, and their sockets leave it. It needs no pass, because anyone who was banned may
   * leave. @throws {Refusal} forbidden by the token, unavailable.
   */
  leave(person: Identity, room: string): Promise<void>;
  /** Bans a person from a room for the operator, and their sockets leave it. @throws {Refusal} unavailable. */
  ban(userId: number, room: string, order: Order): Promise<void>;
  /** Lifts a ban for the operator. @throws {Refusal} unavailable. */
  unban(userId: number, room: string, order: Order): Promise<void>;
  /** Deletes anyone's message for the operator. @throws {Refusal} not_found, busy, unavailable. */
  remove(room: string, id: number, order: Order): Promise<Ack>;
  /** Deletes messages of one person for the operator, at most 500. @throws {Refusal} busy, unavailable. */
  removeMessages(sender: Sender, order: Order): Promise<Removed>;
  /** Connects a socket. Its transport calls `open`, `receive`, `drained` and `ended`. */
  connect(format: Format, options: ConnectionOptions): Connection;
  /** Changes that are submitted and not answered yet. */
  readonly pending: number;
  /** Answers what was submitted, tells each socket when to come back, and closes them. */
  stop(): Promise<void>;
}

export interface ChatOptions {
  readonly store: ChatStore;
  readonly bus: Bus;
  readonly budgets: Budgets;
  readonly standing: Standing;
  authenticate(token: string): Promise<Identity>;
  readonly fanout: Fanout;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Returns a number from 0 to 1, excluding 1. */
  random(): number;
  /** The database's epoch. */
  readonly epoch: string;
  readonly settings: {
    readonly roomAccess: RoomPolicy;
    readonly messageChars: number;
    readonly socketsPerUser: number;
    readonly roomsPerSocket: number;
  };
}

/** Pages sent in one turn of the event loop to readers that catch up: a few milliseconds of work. */
const PAGES_A_TURN = 8;
/** The time over which clients come back after a restart, in milliseconds. */
const RETURN_MS = { least: 500, spread: 4_500 } as const;

export function createChat(options: ChatOptions): Chat {
  const { store, bus, clock, budgets, settings, authenticate } = options;
  const { messageChars, roomsPerSocket } = settings;
  const observer = createObserver(options.metrics, options.log, clock);
  const { faulted } = observer;

  // A room's messages: commit, order, read.
  const rooms = createRooms({
    store: store.messages,
    bus,
    clock,
    epoch: options.epoch,
    prepare: (room, states, known) => delivery.prepare(room, states, known),
    overrun: (timeline) => hub.fallBehind(timeline),
    repaired: observer.repaired,
    setBack: observer.setBack,
    checked: observer.databaseChecked,
    epochChanged(epoch) {
      observer.epochChanged(epoch);
      hub.closeAll("resync");
    },
  });
  const committer = createCommitter({
    store: store.messages,
    clock,
    submitted: observer.submitted,
    answered: observer.answered,
    committed: (change) =>
      observer.released(() => {
        rooms.committed(change);
        watching.committed(change);
      }),
    repeated: rooms.noticed,
    measured: observer.committed,
    failed: observer.commitFailed,
  });
  observer.watchQueue(() => committer.depth);
  const reads = createPlaces({ each: READS_IN_FLIGHT, waiting: READS_WAITING });
  const history = createHistory(store.messages, reads);
  const members = createMembers({ store: store.members, clock, budgets });

  // Access and limits.
  const departed = createDeparted({ store: store.members, clock, bus });
  const access = createAccess(settings.roomAccess, departed);
  const submit = createSubmit({ budgets, committer, rooms, messageChars });

  // Events without a version, which are never stored.
  const presence = createPresence({
    clock,
    bus,
    tell: (room, news) => delivery.tell(room, presenceFrame(room, news)),
  });
  const typing = createTyping({
    clock,
    bus,
    online: presence.online,
    shared: presence.shared,
    tell: (room, { username, user }) => delivery.tell(room, { type: "typing", room, username, user }),
  });
  const marks = createMarks({
    bus,
    shared: presence.shared,
    tell(userId, room, id, except) {
      for (const connection of hub.of(userId)) if (connection !== except) connection.marked(room, id);
    },
  });
  const counts = createCounts({ clock, bus, presence });
  const lists = createLists({ store: store.lists, reads, access, counts });

  // Sockets.
  const commands = createCommands({
    submit,
    history,
    members,
    marks,
    typing,
    clock,
    authenticate,
    faulted,
  });
  const codecs = {
    v1: createV1({ commands, messageChars, roomsPerSocket, budgets: budgets.limits, faulted }),
    plain: createPlain({ submit, history, faulted }),
  } as const;
  const hub = createHub(settings.socketsPerUser);
  const delivery = createDelivery({
    encoders: Object.values(codecs),
    admission: createAdmission(options.fanout, hub.lagSlow),
    counted: observer.live,
    delivered: observer.delivered,
  });
  const watching = createWatching({ store: store.watch, hub, bus, access, clock });
  const connectionParts = {
    access,
    rooms,
    members,
    presence,
    delivery,
    hub,
    watching,
    turns: createTurns(clock, PAGES_A_TURN),
    reads,
    budgets,
    clock,
    roomsPerSocket,
    lagging: observer.lagging,
    faulted,
  };
  const guard = createGuard({ hub, standing: options.standing, departed, clock });

  /**
   * Ends a person's subscriptions to a room that they were banned from or left. Asks the database once more, because by now
   * they may be in again. If it does not respond, ends the subscriptions that were `open` before the commit.
   */
  const departedFrom = async (userId: number, room: string, why: "banned" | "left", open: Subscriptions) => {
    departed.changed(userId);
    await guard.recheck(userId).catch(() => guard.expel(room, why, open));
  };

  const commit = (removal: Removal) => settled((answer) => committer.submit(removal, answer));

  return {
    enter: access.enter,
    submit: (pass, change) => settled((answer) => submit(pass, change, answer)),
    page: history.page,
    rooms: lists.rooms,
    recent: lists.recent,
    room: lists.room,
    prefer: lists.prefer,
    async leave(person, room) {
      access.checkLeave(person, room);
      const { userId } = person;
      // Taken before the commit, because anyone who joins again meanwhile joins after they left.
      const open = hub.subscriptionsOf(userId);
      const left = await store.members.leave({ userId, room });
      guard.expel(room, "left", open);
      if (left) await departedFrom(userId, room, "left", open);
    },
    async ban(userId, room, order) {
      const open = hub.subscriptionsOf(userId);
      await store.members.ban({ userId, room }, order);
      await departedFrom(userId, room, "banned", open);
    },
    async unban(userId, room, order) {
      await store.members.unban({ userId, room }, order);
      departed.changed(userId);
    },
    remove: (room, id, order) => commit({ kind: "remove", room, id, clientId: crypto.randomUUID(), order }),
    removeMessages: (sender, order) =>
      removeMessages(store.lists, sender, order, (removals) => Promise.all(removals.map(commit))),
    connect: (format, connection) => createConnection(connectionParts, codecs[format], connection),
    get pending() {
      return committer.depth;
    },
    async stop() {
      await committer.drain();
      guard.stop();
      watching.stop();
      presence.stop();
      hub.closeAll("going_away", () => Math.round(RETURN_MS.least + options.random() * RETURN_MS.spread));
      rooms.stop();
    },
  };
}
