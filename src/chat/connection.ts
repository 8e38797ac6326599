import type { Clock } from "../clock.ts";
import { errorOf, Refusal, refusalOf } from "../errors.ts";
import type { Identity } from "../identity.ts";
import { CLOSE, type CloseReason } from "../protocol/codes.ts";
import type { Position } from "../protocol/frames.ts";
import type { Access } from "./access.ts";
import type { Committer } from "./committer.ts";
import { encode, type Format } from "./encode.ts";
import { createFeed, type Feed, joinedEvent } from "./feed.ts";
import type { History } from "./history.ts";
import type { Hub } from "./hub.ts";
import { OUTSTANDING, REPLAY_MAX } from "./limits.ts";
import { createOutbox } from "./outbox.ts";
import type { Pace } from "./pace.ts";
import type { Socket } from "./ports.ts";
import type { Rooms } from "./rooms.ts";
import type { Timeline } from "./timeline.ts";
import { plainProtocol } from "./plain.ts";
import { v1Protocol } from "./v1.ts";

/** When a join that found no database may be tried again, in milliseconds. */
const RETRY_MS = 1_000;

/** What every connection shares. */
export interface Shared {
  readonly access: Access;
  readonly committer: Committer;
  readonly rooms: Rooms;
  readonly history: History;
  readonly hub: Hub;
  readonly pace: Pace;
  readonly clock: Clock;
  readonly limits: { readonly messageChars: number; readonly roomsPerSocket: number };
  /** A feed became live (+1) or stopped to be (-1). */
  counted(room: string, format: Format, change: 1 | -1): void;
  lagging(change: 1 | -1): void;
  /** Something of ours went wrong. */
  faulted(error: unknown): void;
}

export interface ConnectionOptions {
  readonly socket: Socket;
  readonly identity: Identity;
  readonly format: Format;
  /** The room of a room's own URL, which is joined at once. */
  readonly room?: string;
  readonly since?: Position;
}

/** One socket's life, from `open` to `ended`. */
export interface Connection {
  readonly identity: Identity;
  readonly format: Format;
  readonly room: string | undefined;
  /** Greets, and joins the room of the URL. */
  open(): void;
  /** Takes a frame. What comes before the room of the URL is joined waits for it. */
  receive(frame: string | Uint8Array): void;
  /** The socket's buffer has emptied somewhat. */
  drained(): void;
  lagIfSlow(): void;
  close(reason: CloseReason, retryAfterMs?: number): void;
  /** The socket is gone. */
  ended(): void;
}

type Task = () => Promise<void> | undefined;

/** What a protocol and its commands use of a connection. */
export interface Session extends Shared {
  readonly identity: Identity;
  readonly room: string | undefined;
  send(frame: string): void;
  /** Settles when the socket has drained: before a large frame is sent. */
  writable(): Promise<void> | undefined;
  close(reason: CloseReason): void;
  /** Counts a command whose answer is still to come (+1), and its answer (-1). Beyond a bound the socket is not read. */
  owe(change: 1 | -1): void;
  /** Runs `task` after those before it, so that commands of one socket are taken in their order. */
  inTurn(task: Task): void;
  /**
   * Joins a room, or joins it anew. `accepted` is called in the tick in which the room's first frame is sent.
   * @throws {Refusal} forbidden, too_many_rooms, unavailable.
   */
  join(room: string, since: Position | undefined, accepted: () => void): Promise<void>;
  leave(room: string): void;
}

/** A protocol: how frames are read, and how a refusal that answers no frame is told. */
export interface Protocol {
  greet(): void;
  receive(frame: string | Uint8Array): void;
  closing(reason: CloseReason, retryAfterMs: number): void;
}

export function createConnection(shared: Shared, options: ConnectionOptions): Connection {
  const { socket, identity, format, room: ownRoom } = options;
  const { clock, rooms, access } = shared;
  const feeds = new Map<string, Feed>();
  let closed = false;
  let outstanding = 0;
  let turns: Promise<void> | undefined;
  let cancelExpiry = () => {};

  const close = (reason: CloseReason, retryAfterMs?: number) => {
    if (closed) return;
    if (retryAfterMs !== undefined) protocol.closing(reason, retryAfterMs);
    closed = true;
    socket.close(CLOSE[reason], reason);
  };

  const outbox = createOutbox({ socket, clock, close, lagging: shared.lagging, feeds: () => feeds.values() });

  const leave = (room: string) => {
    const joined = feeds.get(room);
    if (!joined) return;
    feeds.delete(room);
    outbox.forget(joined);
    joined.end();
    rooms.leave(joined.timeline);
  };

  /** The room's timeline, read up to where the client stands: it may come from a node that was ahead of this one. */
  async function enter(room: string, since: Position | undefined): Promise<Timeline> {
    let timeline: Timeline;
    try {
      timeline = await rooms.enter(room);
    } catch (error) {
      if (!(error instanceof Refusal)) shared.faulted(error);
      throw new Refusal("unavailable", { retryAfterMs: RETRY_MS });
    }
    const ahead = () => since?.epoch === timeline.epoch && since.version > timeline.released;
    // Twice: a reading that is under way may have begun before that version was there.
    let read = !ahead() || (await timeline.catchUp());
    if (read && ahead()) read = await timeline.catchUp();
    if (read) return timeline;
    rooms.leave(timeline);
    throw new Refusal("unavailable", { retryAfterMs: RETRY_MS });
  }

  async function join(room: string, since: Position | undefined, accepted: () => void): Promise<void> {
    if (!access.may(identity, room, "read")) throw new Refusal("forbidden");
    if (!feeds.has(room) && feeds.size >= shared.limits.roomsPerSocket) throw new Refusal("too_many_rooms");
    const timeline = await enter(room, since);
    if (closed) {
      rooms.leave(timeline);
      throw new Refusal("unavailable");
    }
    leave(room);
    const missed = timeline.released - (since?.version ?? 0);
    const resumed = since?.epoch === timeline.epoch && missed >= 0 && missed <= REPLAY_MAX;
    const feed = createFeed({
      timeline,
      format,
      socket,
      send: outbox.send,
      counted: (live) => shared.counted(room, format, live ? 1 : -1),
      position: resumed ? since.version : timeline.released,
    });
    feeds.set(room, feed);
    accepted();
    if (format === "v1") outbox.send(joinedEvent(timeline, resumed));
    outbox.replay(feed);
  }

  const attempt = (task: Task): Promise<void> | undefined => {
    try {
      return task()?.catch(shared.faulted);
    } catch (error) {
      shared.faulted(error);
    }
  };

  const session: Session = {
    ...shared,
    identity,
    room: ownRoom,
    send: outbox.send,
    writable: outbox.writable,
    close,
    join,
    leave,
    owe(change) {
      outstanding += change;
      if (change > 0 && outstanding === OUTSTANDING) outbox.pause("commands");
      if (change < 0 && outstanding === OUTSTANDING / 2) outbox.resume("commands");
    },
    inTurn(task) {
      const last = turns ? turns.then(() => attempt(task)) : attempt(task);
      if (!last) return;
      turns = last;
      void last.then(() => {
        if (turns === last) turns = undefined;
      });
    },
  };
  const protocol: Protocol = format === "v1" ? v1Protocol(session) : plainProtocol(session);

  const expire = () => {
    const left = identity.expiresAt - clock.now();
    // Timers reach 2^31 ms, tokens may reach further.
    if (left > 0) cancelExpiry = clock.after(Math.min(left, 2 ** 31 - 1), expire);
    else close("token_expired");
  };

  const connection: Connection = {
    identity,
    format,
    room: ownRoom,
    open() {
      if (!shared.hub.add(connection)) return close("too_many_sockets");
      expire();
      protocol.greet();
      if (ownRoom === undefined) return;
      session.inTurn(async () => {
        try {
          await join(ownRoom, options.since, () => {});
        } catch (error) {
          const refusal = refusalOf(error);
          if (format === "v1") outbox.send(encode({ type: "error", ...errorOf(refusal) }));
          close(refusal.code === "forbidden" ? "forbidden" : "resync");
        }
      });
    },
    receive(frame) {
      if (!closed) protocol.receive(frame);
    },
    drained: () => outbox.drained(),
    lagIfSlow: () => outbox.lagIfSlow(),
    close,
    ended() {
      closed = true;
      cancelExpiry();
      for (const room of [...feeds.keys()]) leave(room);
      outbox.end();
      shared.hub.remove(connection);
    },
  };
  return connection;
}
