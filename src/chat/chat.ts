import type { Bus } from "../bus/bus.ts";
import type { Clock } from "../clock.ts";
import { faultOf, Refusal } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Message, RoomChange } from "../message.ts";
import type { Metrics } from "../metrics.ts";
import type { ServerFrame } from "../protocol/frames.ts";
import { type Access, createAccess } from "./access/access.ts";
import type { Ack } from "./room/change.ts";
import { type Committer, createCommitter } from "./room/committer.ts";
import { type Connection, type ConnectionOptions, createConnection } from "./connection/connection.ts";
import type { Shared } from "./connection/peer.ts";
import { type Counts, createCounts } from "./ephemeral/counts.ts";
import { encode, type Format, liveEvent, plainEvent, topicOf } from "./codecs/encode.ts";
import { guardSockets, type Standing } from "./connection/guard.ts";
import { createHistory, type History } from "./room/history.ts";
import { createHub } from "./connection/hub.ts";
import { createMarks } from "./connection/marks.ts";
import type { Members } from "../store/members.ts";
import { createPace, type Pace } from "./access/pace.ts";
import type { Fanout } from "./ports.ts";
import { createPresence, type Presence } from "./ephemeral/presence.ts";
import { createRooms } from "./room/rooms.ts";
import type { MessageStore } from "../store/messages.ts";
import { createTurns } from "../turns.ts";
import { createTyping } from "./ephemeral/typing.ts";

/** Pages that are sent in one turn of the event loop to those who catch up: some milliseconds of work. */
const PAGES_A_TURN = 8;
/** Clients come back after a restart at different times, within this, in milliseconds. */
const RETURN_MS = { least: 500, spread: 4_500 } as const;

export interface ChatOptions {
  readonly store: MessageStore;
  readonly members: Members;
  readonly bus: Bus;
  readonly standing: Standing;
  readonly authenticate: Shared["authenticate"];
  readonly fanout: Fanout;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** A number from 0 to 1, 1 excluded. */
  random(): number;
  /** The database's epoch. */
  readonly epoch: string;
  readonly settings: {
    readonly roomAccess: "open" | "claims";
    readonly messageChars: number;
    readonly messageRate: number;
    readonly messageBurst: number;
    readonly socketsPerUser: number;
    readonly roomsPerSocket: number;
  };
}

/** What the doors use: sockets in rooms, posting, history; and an orderly end. */
export interface Chat {
  readonly access: Access;
  readonly pace: Pace;
  readonly committer: Committer;
  readonly history: History;
  readonly members: Members;
  readonly presence: Presence;
  readonly counts: Counts;
  readonly limits: Shared["limits"];
  /** A socket's connection; its owner calls `open`, `receive`, `drained` and `ended`. */
  connect(options: ConnectionOptions): Connection;
  /** Answers what was submitted, tells each socket when to come back, and closes them. */
  stop(): Promise<void>;
}

export function createChat(options: ChatOptions): Chat {
  const { store, bus, clock, log, metrics, settings } = options;
  const live = new Map<string, Record<Format, number>>();
  const hub = createHub(options.fanout, settings.socketsPerUser);
  const stages = createStages(metrics, clock);

  const prepare = (room: string, states: readonly Message[], known: number) => {
    if (known === 0) options.members.begun(room);
    const feeds = live.get(room);
    if (!feeds) return nothing;
    const frames = { v1: none, plain: none };
    if (feeds.v1 > 0) frames.v1 = liveEvents(room, states, known);
    if (feeds.plain > 0) frames.plain = created(states, known).map((message) => plainEvent(room, message));
    // A socket hears a room in one format.
    if (!hub.admit(Math.max(bytesOf(frames.v1), bytesOf(frames.plain)))) return undefined;
    return () => {
      for (const format of FORMATS) {
        for (const frame of frames[format]) hub.publish(topicOf(format, room), frame);
        stages.delivered(format, frames[format].length, feeds[format]);
      }
    };
  };

  // One line when the database goes away and one when it is back, not one each second.
  let away = false;
  const checked = (failure?: unknown) => {
    if (failure && !away)
      log.warn({ event: "database_away", fault: faultOf(failure) }, "the database does not answer");
    if (!failure && away) log.info({ event: "database_back" }, "the database answers again");
    away = Boolean(failure);
  };

  const rooms = createRooms({
    store,
    bus,
    clock,
    epoch: options.epoch,
    prepare,
    overrun: hub.fallBehind,
    repaired(room, found, failure) {
      if (failure)
        return log.warn(
          { event: "repair_failed", room, fault: faultOf(failure) },
          "a room could not be read",
        );
      if (found === 0) return;
      metrics.repairs.inc();
      metrics.repairedMessages.inc(found);
      log.info({ event: "repair", room, found }, "messages were read from the database");
    },
    checked,
    epochChanged(epoch) {
      log.warn({ event: "epoch_changed", epoch }, "the database has a new epoch; all sockets begin anew");
      hub.closeAll("resync");
    },
  });

  const committer = createCommitter({
    store,
    clock,
    submitted: stages.submitted,
    answered: stages.answered,
    committed: (change: RoomChange) => stages.published(() => rooms.committed(change)),
    repeated: rooms.noticed,
    measured: stages.committed,
    failed(failure, posts) {
      metrics.commitFailures.labels(failure.kind).inc();
      log.warn(
        { event: "commit_failed", kind: failure.kind, posts, fault: faultOf(failure.cause) },
        "a commit failed",
      );
    },
  });

  metrics.watchQueue(() => committer.depth);

  const stopGuarding = guardSockets({ hub, standing: options.standing, clock });

  // Unversioned: whoever lags misses them, and is told of presence anew in the end. False: there is no room just now.
  const tellRoom = (room: string, frame: ServerFrame): boolean => {
    if (!live.get(room)?.v1) return true;
    const text = encode(frame);
    if (!hub.admit(Buffer.byteLength(text))) return false;
    hub.publish(topicOf("v1", room), text);
    return true;
  };
  const presence = createPresence({
    clock,
    bus,
    tell: (room, { joined, left, online }) =>
      tellRoom(room, {
        type: "presence",
        room,
        online,
        ...(joined && { joined: [...joined] }),
        ...(left && { left: [...left] }),
      }),
  });
  const typing = createTyping({
    clock,
    bus,
    online: presence.online,
    shared: presence.shared,
    tell: (room, username) => tellRoom(room, { type: "typing", room, username }),
  });

  const limits = { messageChars: settings.messageChars, roomsPerSocket: settings.roomsPerSocket };
  const shared: Shared = {
    access: createAccess(settings.roomAccess),
    committer,
    rooms,
    members: options.members,
    marks: createMarks({ hub, bus, shared: presence.shared }),
    presence,
    typing,
    history: createHistory(store),
    hub,
    turns: createTurns(clock, PAGES_A_TURN),
    pace: createPace({ rate: settings.messageRate, burst: settings.messageBurst, clock, bus }),
    clock,
    limits,
    authenticate: options.authenticate,
    counted(room, format, change) {
      const feeds = live.get(room) ?? { v1: 0, plain: 0 };
      live.set(room, feeds);
      feeds[format] += change;
      metrics.feeds.labels(format).inc(change);
      if (feeds.v1 + feeds.plain === 0) live.delete(room);
    },
    lagging: (change) => metrics.lagging.inc(change),
    faulted(error) {
      metrics.faults.inc();
      log.error({ event: "fault", fault: faultOf(error) }, "something went wrong");
    },
  };

  return {
    ...shared,
    counts: createCounts({ clock, bus, presence }),
    connect: (connection) => createConnection(shared, connection),
    async stop() {
      await committer.drain();
      stopGuarding();
      presence.stop();
      hub.closeAll("going_away", () => Math.round(RETURN_MS.least + options.random() * RETURN_MS.spread));
      rooms.stop();
    },
  };
}

/** The stages of a message's life, counted and measured. */
function createStages(metrics: Metrics, clock: Clock) {
  const ok = metrics.acked.of("ok");
  const duplicate = metrics.acked.of("duplicate");
  const published = { v1: metrics.published.of("v1"), plain: metrics.published.of("plain") };
  return {
    submitted: () => void metrics.submitted.count++,
    answered(outcome: Ack | Refusal, ms: number) {
      metrics.ackSeconds.observe(ms / 1000);
      const tally =
        outcome instanceof Refusal ? metrics.acked.of(outcome.code) : outcome.duplicate ? duplicate : ok;
      tally.count++;
    },
    committed(posts: number, ms: number) {
      metrics.committed.count += posts;
      metrics.commitBatch.observe(posts);
      metrics.commitSeconds.observe(ms / 1000);
    },
    published(release: () => void) {
      const begun = clock.monotonic();
      release();
      metrics.publishSeconds.observe((clock.monotonic() - begun) / 1000);
    },
    delivered(format: Format, frames: number, feeds: number) {
      published[format].count += frames;
      metrics.delivered.count += frames * feeds;
    },
  };
}

const FORMATS = ["v1", "plain"] as const;
const none: readonly string[] = [];
const nothing = () => {};

const bytesOf = (frames: readonly string[]) =>
  frames.reduce((sum, frame) => sum + Buffer.byteLength(frame), 0);

/** A range as chat.v1 hears it: each message after the one before. */
const liveEvents = (room: string, states: readonly Message[], known: number) =>
  states.map((message, index) => liveEvent(room, message, states[index - 1]?.version ?? known, known));

/**
 * What the plain protocol hears of a range: messages as they are posted, by id. One that was changed before anyone here
 * saw it stands later in the range than its id says.
 */
const created = (states: readonly Message[], known: number) =>
  states.filter(({ id, deletedAt }) => id > known && deletedAt === null).sort((a, b) => a.id - b.id);
