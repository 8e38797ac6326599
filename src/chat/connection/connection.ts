import { errorOf, Refusal, refusalOf } from "../../errors.ts";
import type { Identity } from "../../identity.ts";
import { CLOSE, type CloseReason } from "../../protocol/codes.ts";
import type { Position } from "../../protocol/frames.ts";
import { closeReasonOf } from "../access/access.ts";
import { encode, type Format } from "../codecs/encode.ts";
import { createFeed, type Feed, joinedEvent } from "./subscription.ts";
import { EXPIRING_MS, OUTSTANDING, REPLAY_MAX, TOKEN_LOOK_MS } from "../limits.ts";
import { createOutbox, type Outbox } from "./writer.ts";
import type { Reading } from "../../store/members.ts";
import type { Socket } from "../ports.ts";
import type { Protocol, Session, Shared, Task } from "./peer.ts";
import type { Timeline } from "../room/timeline.ts";
import { timelineFor } from "../room/entry.ts";
import { plainProtocol } from "../codecs/plain.ts";
import { v1Protocol } from "../codecs/v1.ts";

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
  /** Lets it lag where more than the soft limit waits. `hidden`: so many bytes more may wait where some do. */
  lagIfSlow(hidden: number): void;
  /** Takes the feed of a timeline off the live topic, where it is there. The answer lets it read on. */
  fallBehind(timeline: Timeline): (() => void) | undefined;
  /** Sends a chat.v1 frame about a room, if it is joined here. */
  tell(room: string, frame: string): void;
  /** Goes on with these rooms that the person is banned from, and leaves them. */
  setBans(banned: ReadonlySet<string>): void;
  /** Warns some time before the token expires, and closes at the moment at which it does: to be called each second. */
  checkToken(): void;
  close(reason: CloseReason, retryAfterMs?: number): void;
  /** The socket is gone. */
  ended(): void;
}

export const createConnection = (shared: Shared, options: ConnectionOptions): Connection =>
  new SocketConnection(shared, options);

/** Most sockets have few rooms: a list is far smaller than a Map, and one of none is shared. */
const NONE: readonly Feed[] = [];

/**
 * A class, as are its parts, and not a factory: there is one for each socket, methods on a prototype cost it nothing, and
 * closures cost 80 bytes each. For the same reason what an idle socket does not need is made when it is needed.
 */
class SocketConnection implements Connection, Session {
  readonly socket: Socket;
  readonly format: Format;
  readonly room: string | undefined;
  identity: Identity;
  private readonly since: Position | undefined;
  private readonly outbox: Outbox;
  private readonly protocol: Protocol;
  /** One for each room that is joined. The list is replaced, not changed: rooms are left while it is gone through. */
  feeds = NONE;
  private lastTurn: Promise<void> | undefined;
  private outstanding = 0;
  private closed = false;
  /** It was us who closed it. */
  private dropped = false;
  /** The client was told that its token expires soon. */
  private warned = false;

  constructor(
    readonly shared: Shared,
    { socket, identity, format, room, since }: ConnectionOptions,
  ) {
    this.socket = socket;
    this.identity = identity;
    this.format = format;
    this.room = room;
    this.since = since;
    this.outbox = createOutbox(this);
    this.protocol = format === "v1" ? v1Protocol(this) : plainProtocol(this);
  }

  open() {
    if (!this.shared.hub.add(this)) return this.close("too_many_sockets");
    this.protocol.greet();
    this.checkToken();
    const { room } = this;
    if (room !== undefined) this.inTurn(() => this.joinOwn(room));
  }

  receive(frame: string | Uint8Array) {
    if (!this.closed) this.protocol.receive(frame);
  }

  drained() {
    this.outbox.drained();
  }

  lagIfSlow(hidden: number) {
    this.outbox.lagIfSlow(hidden);
  }

  fallBehind(timeline: Timeline) {
    const feed = this.feedOf(timeline.room);
    return feed?.timeline === timeline && feed.lag() ? () => this.outbox.replay(feed) : undefined;
  }

  tell(room: string, frame: string) {
    if (this.format === "v1" && this.joined(room)) this.send(frame);
  }

  setBans(banned: ReadonlySet<string>) {
    if (banned === this.identity.banned) return; // nearly always: nowhere
    this.identity = { ...this.identity, banned };
    this.dismiss();
  }

  checkToken() {
    if (this.closed) return;
    const { expiresAt } = this.identity;
    const left = expiresAt - this.shared.clock.now();
    if (left <= 0) return this.close("token_expired");
    if (left <= EXPIRING_MS && !this.warned) {
      this.warned = true;
      this.protocol.expiring(expiresAt);
    }
    // Before the next look: it is to end at that moment.
    if (left <= TOKEN_LOOK_MS) this.shared.clock.after(left, () => this.checkToken());
  }

  close(reason: CloseReason, retryAfterMs?: number) {
    if (this.closed) return;
    if (retryAfterMs !== undefined) this.protocol.closing(reason, retryAfterMs);
    this.closed = this.dropped = true;
    this.socket.close(CLOSE[reason], reason);
  }

  ended() {
    this.closed = true;
    for (const { timeline } of this.feeds) this.leave(timeline.room);
    this.outbox.end();
    this.shared.hub.remove(this);
  }

  send(frame: string) {
    this.outbox.send(frame);
  }

  writable() {
    return this.outbox.writable();
  }

  owe(change: 1 | -1) {
    this.outstanding += change;
    if (change > 0 && this.outstanding === OUTSTANDING) this.outbox.pause("commands");
    if (change < 0 && this.outstanding === OUTSTANDING / 2) this.outbox.resume("commands");
  }

  inTurn(task: Task) {
    const last = this.lastTurn ? this.lastTurn.then(() => this.attempt(task)) : this.attempt(task);
    if (!last) return;
    this.lastTurn = last;
    void last.then(() => {
      if (this.lastTurn === last) this.lastTurn = undefined;
    });
  }

  async join(room: string, since: Position | undefined, accepted: () => void): Promise<void> {
    const { access, rooms, presence, limits } = this.shared;
    const pause = this.writable();
    if (pause) await pause; // `joined` may be a large frame, and many may be asked for at once
    if (this.closed) throw new Refusal("unavailable");
    if (!access.may(this.identity, room, "read")) throw new Refusal("forbidden");
    if (!this.joined(room) && this.feeds.length >= limits.roomsPerSocket) throw new Refusal("too_many_rooms");
    const reading = await this.read(room);
    const timeline = await timelineFor(this.shared, room, since);
    // Meanwhile the socket may have closed, or the person been banned.
    const may = access.may(this.identity, room, "read");
    if (this.closed || !may) {
      rooms.leave(timeline);
      throw new Refusal(may ? "unavailable" : "forbidden");
    }
    // In this order, so that who joins anew has not been gone.
    presence.enter(room, this.identity);
    this.leave(room);
    const missed = timeline.released - (since?.version ?? 0);
    // The plain protocol has no way to say that it does not resume.
    const worthIt = this.format === "plain" || missed <= REPLAY_MAX;
    const resumed = since?.epoch === timeline.epoch && missed >= 0 && worthIt;
    const feed = createFeed(this, timeline, resumed ? since.version : timeline.released);
    this.feeds = [...this.feeds, feed];
    accepted();
    if (this.format === "v1") {
      const here = { online: presence.online(room), people: presence.people(room) };
      this.send(joinedEvent(timeline, resumed, { ...here, ...reading }));
    }
    this.outbox.replay(feed);
  }

  leave(room: string) {
    const feed = this.feedOf(room);
    if (!feed) return;
    const others = this.feeds.filter((other) => other !== feed);
    this.feeds = others.length > 0 ? others : NONE;
    this.outbox.forget(feed);
    feed.end();
    this.shared.rooms.leave(feed.timeline);
    this.shared.presence.leave(room, this.identity);
  }

  joined(room: string) {
    return this.feedOf(room) !== undefined;
  }

  counted(room: string, change: 1 | -1) {
    this.shared.counted(room, this.format, change);
  }

  marked(room: string, id: number) {
    this.shared.marks.moved(this.identity.userId, room, id, this);
  }

  renew(next: Identity) {
    if (next.userId !== this.identity.userId) return this.close("token_invalid");
    this.identity = next;
    this.warned = false;
    this.checkToken();
    this.dismiss();
  }

  private feedOf(room: string): Feed | undefined {
    return this.feeds.find(({ timeline }) => timeline.room === room);
  }

  private async joinOwn(room: string): Promise<void> {
    try {
      await this.join(room, this.since, () => {});
    } catch (error) {
      const refusal = refusalOf(error);
      if (this.format === "v1") this.send(encode({ type: "error", ...errorOf(refusal) }));
      this.close(refusal.code === "forbidden" ? closeReasonOf(this.identity, room) : "resync");
    }
  }

  /** The plain protocol is told nothing of it; it only makes a member. */
  private read(room: string): Promise<Reading> | undefined {
    const { members } = this.shared;
    const { userId } = this.identity;
    return this.format === "v1" ? members.joined(userId, room) : void members.posted(userId, room);
  }

  /** Takes the person out of the rooms that they may not be in any more. */
  private dismiss() {
    for (const { timeline } of this.feeds) {
      const { room } = timeline;
      if (this.shared.access.may(this.identity, room, "read")) continue;
      const reason = closeReasonOf(this.identity, room);
      if (room === this.room) return this.close(reason);
      this.leave(room);
      this.protocol.left(room, reason);
    }
  }

  private attempt(task: Task): Promise<void> | undefined {
    // Access may have ended. What a client sent before it went by itself is still done.
    if (this.dropped) return undefined;
    try {
      return task()?.catch(this.shared.faulted);
    } catch (error) {
      this.shared.faulted(error);
    }
  }
}
