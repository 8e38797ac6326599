import type { BusListener } from "../../src/bus/bus.ts";
import { createLocalBus } from "../../src/bus/local.ts";
import type { Change } from "../../src/chat/room/change.ts";
import { createChat } from "../../src/chat/chat.ts";
import type { Format } from "../../src/chat/codecs/encode.ts";
import type { Fanout, Socket } from "../../src/chat/ports.ts";
import type { Presence } from "../../src/chat/ephemeral/presence.ts";
import type { MessageStore } from "../../src/store/messages.ts";
import { systemClock } from "../../src/clock.ts";
import { Refusal } from "../../src/errors.ts";
import { NOWHERE } from "../../src/identity.ts";
import { createLog } from "../../src/log.ts";
import type { RoomChange } from "../../src/message.ts";
import { createDatabase } from "../sim/database.ts";
import { createMeters } from "../sim/meters.ts";

type Frame = Record<string, unknown>;

export const post = (clientId: string, content = "ahoy", room = "sea"): Change => ({
  kind: "post",
  room,
  senderId: 1,
  username: "ada",
  clientId,
  content,
  replyTo: null,
});

/** A socket that takes whatever comes. */
export const openSocket: Socket = {
  send() {},
  buffered: () => 0,
  subscribe() {},
  unsubscribe() {},
  pause() {},
  resume() {},
  close() {},
};

export const nobodyHere: Presence = {
  enter() {},
  leave() {},
  online: () => 0,
  here: () => 0,
  people: () => [],
  shared: () => false,
  stop() {},
};

interface NodeOptions {
  readonly fanout?: Fanout;
  readonly roomsPerSocket?: number;
  /** Somebody becomes a member of a room. */
  joined?(room: string): void;
  /** Reads of the database that a test holds up or makes fail. */
  replace?(database: ReturnType<typeof createDatabase>): Partial<MessageStore>;
}

interface Joining {
  readonly format?: Format;
  /** The room's version that the client has. */
  readonly version?: number;
  readonly socket?: Socket;
}

/** A node over a database in memory. */
export function createNode({ fanout, roomsPerSocket = 9, joined, replace }: NodeOptions = {}) {
  const database = createDatabase(
    () => 0,
    100,
    (sentence) => {
      throw new Error(sentence);
    },
  );
  const listeners: NonNullable<BusListener["heard"]>[] = [];
  const chat = createChat({
    store: {
      lanes: 1,
      commit: async (_, changes) => database.commitCarefully(changes),
      changesSince: async (room, after) => database.changesSince(room, after),
      postsSince: async (room, after) => database.postsSince(room, after),
      messages: async (room, range, limit) => database.messages(room, range, limit),
      counters: async (rooms) => database.counters(rooms),
      ...replace?.(database),
    },
    bus: {
      ...createLocalBus(),
      listen: ({ heard }) => heard && listeners.push(heard),
    },
    standing: {
      ask: async (people) => people.map(() => ({ reason: null, banned: NOWHERE })),
      onEnded: () => () => {},
      onBansChanged: () => () => {},
    },
    authenticate: () => Promise.reject(new Refusal("token_invalid")),
    members: {
      async joined(_, room) {
        joined?.(room);
        return { lastRead: 0, unread: 0 };
      },
      posted() {},
      begun() {},
      read: async (_, __, id) => ({ lastRead: id, moved: false }),
    },
    fanout: fanout ?? { publish: () => false, hidden: () => 0 },
    clock: systemClock,
    log: createLog("silent"),
    metrics: createMeters().metrics,
    random: () => 0,
    epoch: database.epoch,
    settings: {
      roomAccess: "open",
      messageChars: 100,
      messageRate: 0,
      messageBurst: 1,
      socketsPerUser: 100,
      roomsPerSocket,
    },
  });

  /** A client in the room `sea`, and what it is sent by itself. */
  const connect = ({ format = "v1", version, socket = openSocket }: Joining = {}) => {
    const frames: Frame[] = [];
    const connection = chat.connect({
      socket: {
        ...socket,
        send(frame) {
          frames.push(JSON.parse(frame) as Frame);
          socket.send(frame);
        },
      },
      identity: {
        userId: 1,
        username: "ada",
        sessionId: null,
        expiresAt: Date.now() + 60_000,
        rooms: null,
        banned: NOWHERE,
      },
      format,
      room: "sea",
      ...(version !== undefined && { since: { epoch: database.epoch, version } }),
    });
    connection.open();
    return { frames, connection };
  };

  /** A range that another node committed. */
  const changed = (change: RoomChange) =>
    listeners.forEach((heard) => heard({ type: "changed", ...change }, "another node"));

  return { database, chat, connect, changed };
}
