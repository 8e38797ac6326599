// Long because all parts of this folder are put together here.

import { within } from "../clock.ts";
import type { Identity } from "../identity.ts";
import type { Order } from "../order.ts";
import { createPlaces } from "../limits/places.ts";
import { createTurns } from "../limits/turns.ts";
import type { Chat, ChatOptions } from "./api.ts";
import { createAccess } from "./access/access.ts";
import { createEventCursors } from "./access/eventcursor.ts";
import { createEvents } from "./access/events.ts";
import { createLists } from "./access/lists.ts";
import { createWritten } from "./access/written.ts";
import { createMemberships } from "./access/memberships.ts";
import { createFounding } from "./access/founding.ts";
import { createGoverning } from "./access/governing.ts";
import { createRoomNames } from "./access/names.ts";
import { createThreads } from "./access/threads.ts";
import { createPeople } from "./access/people.ts";
import { createSearch } from "./access/search.ts";
import { createSaved } from "./access/saved.ts";
import { createScreening } from "./access/screening.ts";
import { createSubmit, type Sender, type Wish } from "./access/submit.ts";
import { type Ack, type Decree, ordain, type Removal, type Ruling } from "./change.ts";
import { createPlain } from "./codecs/plain.ts";
import { createV1 } from "./codecs/v1.ts";
import { createCommands } from "./commands/table.ts";
import { createConnection } from "./connection/connection.ts";
import { createGuard } from "./connection/guard.ts";
import { createHub } from "./connection/hub.ts";
import { createWatching } from "./connection/watching.ts";
import { createAdmission } from "./delivery/admission.ts";
import { createDelivery } from "./delivery/delivery.ts";
import { READS_IN_FLIGHT, READS_WAITING } from "./limits.ts";
import { createModeration } from "./moderation/moderation.ts";
import type { Pass } from "./pass.ts";
import { createObserver } from "./observe.ts";
import { createCommitter } from "./room/committer.ts";
import { createHistory } from "./room/history.ts";
import { createMembers } from "./room/members.ts";
import { removeMessages } from "./room/removal.ts";
import { seenFiles } from "./room/seen.ts";
import { settled } from "./room/settled.ts";
import { createSignals } from "./signals.ts";
import { createRooms } from "./room/rooms.ts";
import { createTail } from "./room/tail.ts";

export type { Chat, ChatOptions, Leaving } from "./api.ts";
export type { Wish } from "./access/submit.ts";
export type { ThreadPage } from "./access/threads.ts";
export {
  type Ack,
  type Creation,
  type Decree,
  draftOf,
  type RoomSettings,
  type Submission,
  SYSTEM,
} from "./change.ts";
export type { EventFeed, EventPage, EventReader, Events } from "./access/events.ts";
export { encodeEvent, encodeMessage, shown, shownAny, shownNotice, shownReplies } from "./codecs/encode.ts";
export type { Connection } from "./connection/parts.ts";
export type { Format } from "./delivery/encoder.ts";
export { HARD_LIMIT } from "./limits.ts";
export type { Pass } from "./pass.ts";
export { type Ban, type RoomSummary, ROOMS_MAX, type Written, WRITTEN_MAX } from "./lists.ts";
export { type Fanout, type Pin, type Socket, UNREAD_MAX } from "./ports.ts";
export { type Saved, SAVED_PAGE_MAX } from "./saved.ts";
export type { Question, Screen, SentFile, Verdict } from "./screenports.ts";
export { INBOX_MAX, type InboxEntry } from "./lists.ts";
export { type ListedThread, THREADS_MAX } from "./threadports.ts";
export type { Block, Invitation, Report } from "./moderationports.ts";
export { type Fit, type HistoryQuery, type HistoryResult, pagesOf } from "./room/history.ts";
export { type Found, type FoundPage, RESULTS_MAX } from "./access/search.ts";
export type { ListedRoom, RoomPage } from "./access/lists.ts";

/** Pages sent in one turn of the event loop to readers that catch up: a few milliseconds of work. */
const PAGES_A_TURN = 8;
/** How long the response to a change of members may wait until this node's sockets know, in milliseconds. */
const EFFECT_MS = 1_000;
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
    noticed(timeline, notice) {
      for (const connection of hub.inRoom(timeline.room)) connection.noticed(timeline, notice);
    },
    suspend(timeline) {
      for (const connection of hub.inRoom(timeline.room)) connection.suspend(timeline);
    },
    overrun: (timeline) => hub.fallBehind(timeline),
    repaired: observer.repaired,
    setBack: observer.setBack,
    checked: observer.databaseChecked,
    epochChanged(epoch) {
      observer.epochChanged(epoch);
      watching.restored();
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
        replies.committed(change);
        options.changed?.(change.room);
      }),
    repeated: rooms.noticed,
    measured: observer.committed,
    failed: observer.commitFailed,
  });
  observer.watchQueue(() => committer.depth);
  const reads = createPlaces({ each: READS_IN_FLIGHT, waiting: READS_WAITING });
  const members = createMembers({ store: store.members, clock, budgets });

  // Access and limits.
  const memberships = createMemberships({ store: store.members, clock, bus });
  const access = createAccess({ policy: settings.roomAccess, memberships, clock });
  const people = createPeople(store.people);
  const { screen } = options;
  const screening = screen && createScreening({ screen, store: store.messages, committer, clock, faulted });
  const submit = createSubmit({
    budgets,
    committer,
    store: store.messages,
    rooms,
    people,
    screening,
    messageChars,
  });
  const reenter = ({ person, room }: Pass) => access.reenter(person, room);
  const history = createHistory({ store: store.messages, reads, reenter });
  const names = createRoomNames(options.roomKey);
  const founding = createFounding({
    names,
    access,
    memberships,
    budgets,
    commit: (ruling) => commit(ruling),
  });

  // Events without a version, which are never stored.
  const { presence, typing, marks, counts, online, replies, follows } = createSignals({
    clock,
    bus,
    threads: store.threads,
    tell: (...event) => delivery.tell(...event),
    socketsOf: (userId) => hub.of(userId),
    rooms,
    mayList: access.mayList,
  });
  const threads = createThreads({ store: store.threads, history, reads, follows, access });
  const lists = createLists({ store: store.lists, reads, access, counts });
  const events = createEvents({
    store: store.journal,
    cursors: createEventCursors(options.roomKey),
    tail: createTail({ read: async () => (await store.journal?.end())?.place.seq ?? 0, bus, clock }),
    reads,
    access,
  });

  // Sockets.
  const commands = createCommands({
    submit,
    people,
    history,
    members,
    marks: {
      moved(pass, mark, by, here) {
        marks.moved(pass, mark, by, here);
        options.read?.(pass.person.userId, pass.room, mark.lastRead);
      },
    },
    threads,
    typing,
    clock,
    authenticate,
    faulted,
  });
  const codecs = {
    v1: createV1({
      commands,
      messageChars,
      roomsPerSocket,
      fileBytes: settings.fileBytes,
      budgets: budgets.limits,
      faulted,
    }),
    plain: createPlain({ submit, history, page: settings.page, faulted }),
  } as const;
  const hub = createHub(settings.socketsPerUser, presence.idsHere);
  const delivery = createDelivery({
    encoders: Object.values(codecs),
    admission: createAdmission(options.fanout, hub.lagSlow),
    counted: observer.live,
    delivered: observer.delivered,
  });
  const watching = createWatching({ ...options, store: store.watch, hub, access });
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
  const guard = createGuard({ hub, standing: options.standing, memberships, clock });

  const commit = (change: Removal | Ruling) => settled((answer) => committer.submit(change, answer));

  /** Resolves once a change of a room or its members was released to the sockets of this node, or soon in any case. */
  const released = (room: string, { version }: Ack) => within(clock, EFFECT_MS, rooms.reached(room, version));

  const submitAs = async (person: Identity, room: string, wish: Wish, address = ""): Promise<Ack> => {
    const sender: Sender = {
      identity: person,
      origin: { via: "http", address },
      enter: (name, action) => access.enter(person, name, action),
    };
    const ack = await settled((answer) => submit(sender, room, wish, answer));
    if (wish.kind === "member" || wish.kind === "room" || wish.kind === "pin") await released(room, ack);
    return ack;
  };

  const ordainIn = async (room: string, decree: Decree, order: Order): Promise<Ack> => {
    const ack = await commit(ordain(decree, room, order));
    await released(room, ack);
    return ack;
  };

  const setBan = async (set: "banned" | "unbanned", userId: number, room: string, order: Order) => {
    await ordainIn(room, { kind: "member", clientId: crypto.randomUUID(), set, users: [userId] }, order);
  };

  const moderation = createModeration({
    store: store.moderation,
    access,
    clock,
    async commit(change) {
      const ack = await commit(change);
      if (change.kind !== "remove") await released(change.room, ack);
      return ack;
    },
  });

  return {
    enter: access.enter,
    moderation,
    submit: submitAs,
    ordain: ordainIn,
    people,
    founding,
    ...createGoverning({
      store: store.lists,
      access,
      memberships,
      reads,
      submit: submitAs,
    }),
    roster: store.lists.members,
    banned: store.lists.bans,
    ...history,
    thread: threads.page,
    keepThread: threads.change,
    threads: threads.list,
    files: (pass, ids) => seenFiles({ store: store.files, reenter }, pass, ids),
    ...lists,
    search: createSearch({ store: store.search, people: store.people, reads, access, clock }),
    events,
    saved: createSaved({ store: store.saved, reads, access }),
    written: createWritten({ store: store.lists, reads, access }),
    async leave(person, room, { clientId = crypto.randomUUID(), heir } = {}) {
      access.checkLeave(person, room);
      const { userId } = person;
      const { kind } = await memberships.read({ userId, room });
      if (kind !== "open") {
        await submitAs(person, room, { kind: "member", clientId, set: "out", users: [userId], heir });
        return;
      }
      // Taken before the commit, because anyone who joins again meanwhile joins after they left.
      const open = hub.subscriptionsOf(userId);
      const left = await store.members.leave({ userId, room });
      guard.expel(room, "left", open);
      if (!left) return;
      memberships.left({ userId, room });
      // By now they may be in again. If the database does not respond, their sockets leave what they were in before.
      await guard.recheck(userId).catch(() => guard.expel(room, "left", open));
    },
    ban: (userId, room, order) => setBan("banned", userId, room, order),
    unban: (userId, room, order) => setBan("unbanned", userId, room, order),
    remove: (room, id, order) => commit({ kind: "remove", room, id, clientId: crypto.randomUUID(), order }),
    removeMessages: (sender, order) =>
      removeMessages(store.lists, sender, order, (removals) => Promise.all(removals.map(commit))),
    online: online.of,
    connect: (format, connection) => createConnection(connectionParts, codecs[format], connection),
    get pending() {
      return committer.depth + (screening?.waiting ?? 0);
    },
    async stop() {
      events.stop();
      await screening?.drain();
      await committer.drain();
      guard.stop();
      watching.stop();
      presence.stop();
      hub.closeAll("going_away", () => Math.round(RETURN_MS.least + options.random() * RETURN_MS.spread));
      rooms.stop();
    },
  };
}
