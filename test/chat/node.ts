import type { Budgets } from "../../src/budgets.ts";
import type { BusListener } from "../../src/bus/bus.ts";
import { createLocalBus } from "../../src/bus/local.ts";
import type { Change } from "../../src/chat/change.ts";
import { createChat, type Fanout, type Format, type Socket } from "../../src/chat/chat.ts";
import type { Standing } from "../../src/identity.ts";
import type { Presence } from "../../src/chat/ephemeral/presence.ts";
import type { MessageStore } from "../../src/chat/ports.ts";
import { systemClock } from "../../src/clock.ts";
import { Refusal } from "../../src/errors.ts";
import { createLog } from "../../src/log.ts";
import type { RoomChange } from "../../src/message.ts";
import { createDatabase } from "../sim/database.ts";
import { threadsOf } from "../sim/threads.ts";
import { createMeters } from "../sim/meters.ts";
import {
  aliveStanding,
  createMemberStub,
  emptyLists,
  emptyWatch,
  named,
  nobodyKnown,
  noFiles,
  nothingSaved,
  unmoderated,
  unlimited,
} from "../support/stubs.ts";

type Frame = Record<string, unknown>;

export const post = (clientId: string, content = "ahoy", room = "sea"): Change => ({
  kind: "post",
  room,
  senderId: 1,
  ...named("ada"),
  clientId,
  content,
  data: null,
  replyTo: null,
  fence: 0,
});

/** A socket that takes everything. */
export const openSocket: Socket = {
  send() {},
  buffered: () => 0,
  subscribe() {},
  unsubscribe() {},
  pause() {},
  resume() {},
  close() {},
};

/** Presence of empty rooms. */
export const nobodyHere: Presence = {
  enter() {},
  leave() {},
  idsHere: () => [],
  online: () => 0,
  here: () => 0,
  people: () => [],
  tellings: () => 0,
  shared: () => false,
  stop() {},
};

interface NodeOptions {
  readonly fanout?: Fanout;
  readonly roomsPerSocket?: number;
  /** Without limits by default. */
  readonly budgets?: Budgets;
  /** Replaces methods of the message store, to delay them or make them fail. */
  replace?(database: ReturnType<typeof createDatabase>): Partial<MessageStore>;
}

interface Joining {
  readonly format?: Format;
  /** The room's version that the client has. */
  readonly version?: number;
  readonly socket?: Socket;
}

/** A node over a database in memory. */
export function createNode({ fanout, roomsPerSocket = 9, budgets = unlimited, replace }: NodeOptions = {}) {
  const database = createDatabase({
    now: () => 0,
    pageRows: 100,
    membersOnly: false,
    users: 0,
    fail(sentence) {
      throw new Error(sentence);
    },
    created() {},
  });
  const listeners: NonNullable<BusListener["heard"]>[] = [];
  const endings: Parameters<Standing["onEnded"]>[0][] = [];
  const members = createMemberStub();
  const chat = createChat({
    store: {
      messages: {
        lanes: 1,
        commit: async (_, changes) => database.commitCarefully(changes),
        answered: async (change) => database.answered(change),
        changesSince: async (room, after) => database.changesSince(room, after),
        postsSince: async (room, after) => database.postsSince(room, after),
        messages: async (...of) => database.messages(...of),
        pinned: async (room, range) => database.pinned(room, range),
        counters: async (rooms) => database.counters(rooms),
        ...replace?.(database),
      },
      members,
      threads: threadsOf(database),
      people: nobodyKnown,
      lists: emptyLists,
      watch: emptyWatch,
      moderation: unmoderated,
      files: noFiles,
      saved: nothingSaved,
    },
    bus: {
      ...createLocalBus(),
      listen: ({ heard }) => heard && listeners.push(heard),
    },
    budgets,
    standing: {
      ...aliveStanding,
      onEnded(listener) {
        endings.push(listener);
        return () => {};
      },
    },
    authenticate: () => Promise.reject(new Refusal("token_invalid")),
    fanout: fanout ?? { publish: () => false, hidden: () => 0 },
    clock: systemClock,
    log: createLog("silent"),
    metrics: createMeters().metrics,
    random: () => 0,
    epoch: database.epoch,
    stamp: 0,
    roomKey: "key",
    settings: {
      roomAccess: "open",
      messageChars: 10_000,
      socketsPerUser: 100,
      roomsPerSocket,
    },
  });

  /** Connects user 1 to the room `sea`. `frames` collects what the client is sent directly. */
  const connect = ({ format = "v1", version, socket = openSocket }: Joining = {}) => {
    const frames: Frame[] = [];
    const connection = chat.connect(format, {
      socket: {
        ...socket,
        send(frame) {
          frames.push(JSON.parse(frame) as Frame);
          socket.send(frame);
        },
      },
      identity: {
        userId: 1,
        ...named("ada"),
        picture: null,
        sessionId: null,
        expiresAt: Date.now() + 60_000,
        grants: null,
      },
      room: "sea",
      ...(version !== undefined && { since: { epoch: database.epoch, version } }),
    });
    connection.open();
    return { frames, connection };
  };

  /** Delivers a range that another node committed. */
  const changed = (change: RoomChange) =>
    listeners.forEach((heard) => heard({ type: "changed", ...change }, "another node"));

  /** Disables user 1, as the accounts would report it. */
  const disable = () =>
    endings.forEach((ended) => ended({ userId: 1, sessionIds: null, reason: "account_disabled" }));

  return { database, members, chat, connect, changed, disable };
}
