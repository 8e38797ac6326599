import { errorOf, Refusal, refusalOf } from "../errors.ts";
import type { Identity } from "../identity.ts";
import { CLOSE, type CloseReason } from "../protocol/codes.ts";
import type { Position } from "../protocol/frames.ts";
import { closeReasonOf } from "./access.ts";
import { encode, type Format } from "./encode.ts";
import { createExpiry } from "./expiry.ts";
import { createFeed, type Feed, joinedEvent } from "./feed.ts";
import { OUTSTANDING, REPLAY_MAX } from "./limits.ts";
import { createOutbox } from "./outbox.ts";
import type { Reading } from "./members.ts";
import type { Socket } from "./ports.ts";
import type { Protocol, Session, Shared, Task } from "./session.ts";
import type { Timeline } from "./timeline.ts";
import { plainProtocol } from "./plain.ts";
import { v1Protocol } from "./v1.ts";

/** When a join that found no database may be tried again, in milliseconds. */
const RETRY_MS = 1_000;

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
  /** Takes the feed of a timeline off the live topic, where it is there. The answer lets it read on. */
  fallBehind(timeline: Timeline): (() => void) | undefined;
  /** Sends a chat.v1 frame about a room, if it is joined here. */
  tell(room: string, frame: string): void;
  /** Goes on with these rooms that the person is banned from, and leaves them. */
  setBans(banned: ReadonlySet<string>): void;
  close(reason: CloseReason, retryAfterMs?: number): void;
  /** The socket is gone. */
  ended(): void;
}

export function createConnection(shared: Shared, options: ConnectionOptions): Connection {
  const { socket, format, room: ownRoom } = options;
  const { clock, rooms, access, members, presence } = shared;
  const feeds = new Map<string, Feed>();
  let { identity } = options;
  let closed = false;
  /** It was us who closed it. */
  let dropped = false;
  let outstanding = 0;
  let turns: Promise<void> | undefined;

  const close = (reason: CloseReason, retryAfterMs?: number) => {
    if (closed) return;
    if (retryAfterMs !== undefined) protocol.closing(reason, retryAfterMs);
    closed = dropped = true;
    socket.close(CLOSE[reason], reason);
  };

  const expiry = createExpiry({
    clock,
    expiring: (at) => protocol.expiring(at),
    expired: () => close("token_expired"),
  });
  const outbox = createOutbox({ socket, clock, close, lagging: shared.lagging, feeds: () => feeds.values() });

  const leave = (room: string) => {
    const joined = feeds.get(room);
    if (!joined) return;
    feeds.delete(room);
    outbox.forget(joined);
    joined.end();
    rooms.leave(joined.timeline);
    presence.leave(room, identity);
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

  /** The plain protocol is told nothing of it; it only makes a member. */
  const read = (room: string): Promise<Reading> | undefined =>
    format === "v1" ? members.joined(identity.userId, room) : void members.posted(identity.userId, room);

  const here = (room: string) => ({ online: presence.online(room), people: presence.people(room) });

  async function join(room: string, since: Position | undefined, accepted: () => void): Promise<void> {
    if (!access.may(identity, room, "read")) throw new Refusal("forbidden");
    if (!feeds.has(room) && feeds.size >= shared.limits.roomsPerSocket) throw new Refusal("too_many_rooms");
    const reading = await read(room);
    const timeline = await enter(room, since);
    // Meanwhile the socket may have closed, or the person been banned.
    const may = access.may(identity, room, "read");
    if (closed || !may) {
      rooms.leave(timeline);
      throw new Refusal(may ? "unavailable" : "forbidden");
    }
    // In this order, so that who joins anew has not been gone.
    presence.enter(room, identity);
    leave(room);
    const missed = timeline.released - (since?.version ?? 0);
    // The plain protocol has no way to say that it does not resume.
    const worthIt = format === "plain" || missed <= REPLAY_MAX;
    const resumed = since?.epoch === timeline.epoch && missed >= 0 && worthIt;
    const feed = createFeed({
      timeline,
      format,
      socket,
      send: outbox.send,
      turns: shared.turns,
      counted: (live) => shared.counted(room, format, live ? 1 : -1),
      position: resumed ? since.version : timeline.released,
    });
    feeds.set(room, feed);
    accepted();
    if (format === "v1") outbox.send(joinedEvent(timeline, resumed, { ...here(room), ...reading }));
    outbox.replay(feed);
  }

  const attempt = (task: Task): Promise<void> | undefined => {
    // Access may have ended. What a client sent before it went by itself is still done.
    if (dropped) return undefined;
    try {
      return task()?.catch(shared.faulted);
    } catch (error) {
      shared.faulted(error);
    }
  };

  const session: Session = {
    ...shared,
    get identity() {
      return identity;
    },
    room: ownRoom,
    send: outbox.send,
    writable: outbox.writable,
    close,
    join,
    leave,
    joined: (room) => feeds.has(room),
    marked: (room, id) => shared.marks.moved(identity.userId, room, id, connection),
    renew,
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

  /** Takes the person out of the rooms that they may not be in any more. */
  const dismiss = () => {
    for (const room of [...feeds.keys()]) {
      if (access.may(identity, room, "read")) continue;
      const reason = closeReasonOf(identity, room);
      if (room === ownRoom) return close(reason);
      leave(room);
      protocol.left(room, reason);
    }
  };

  function renew(next: Identity): void {
    if (next.userId !== identity.userId) return close("token_invalid");
    identity = next;
    expiry.watch(identity.expiresAt);
    dismiss();
  }

  const connection: Connection = {
    get identity() {
      return identity;
    },
    format,
    room: ownRoom,
    open() {
      if (!shared.hub.add(connection)) return close("too_many_sockets");
      protocol.greet();
      expiry.watch(identity.expiresAt);
      if (ownRoom === undefined) return;
      session.inTurn(async () => {
        try {
          await join(ownRoom, options.since, () => {});
        } catch (error) {
          const refusal = refusalOf(error);
          if (format === "v1") outbox.send(encode({ type: "error", ...errorOf(refusal) }));
          close(refusal.code === "forbidden" ? closeReasonOf(identity, ownRoom) : "resync");
        }
      });
    },
    receive(frame) {
      if (!closed) protocol.receive(frame);
    },
    drained: () => outbox.drained(),
    lagIfSlow: () => outbox.lagIfSlow(),
    fallBehind(timeline) {
      const feed = feeds.get(timeline.room);
      return feed?.timeline === timeline && feed.lag() ? () => outbox.replay(feed) : undefined;
    },
    tell(room, frame) {
      if (format === "v1" && feeds.has(room)) outbox.send(frame);
    },
    setBans(banned) {
      if (banned === identity.banned) return; // nearly always: nowhere
      identity = { ...identity, banned };
      dismiss();
    },
    close,
    ended() {
      closed = true;
      expiry.stop();
      for (const room of [...feeds.keys()]) leave(room);
      outbox.end();
      shared.hub.remove(connection);
    },
  };
  return connection;
}
