import type { Budgets } from "../../budgets.ts";
import type { Clock } from "../../clock.ts";
import type { Message } from "../../message.ts";
import type { Position } from "../../protocol/frames.ts";
import type { Turns } from "../../limits/turns.ts";
import { type Delivery, type LiveReader, topicOf } from "../delivery/delivery.ts";
import type { Format } from "../delivery/encoder.ts";
import type { Presence } from "../ephemeral/presence.ts";
import { REPLAY_MAX, SOFT_LIMIT } from "../limits.ts";
import type { Pass } from "../pass.ts";
import type { Socket } from "../ports.ts";
import type { SharedPage } from "../room/pages.ts";
import type { Places } from "../../limits/places.ts";
import type { Timeline } from "../room/timeline.ts";
import type { Codec, Protocol } from "./codec.ts";

/**
 * One socket in one room. It is either live, subscribed to what the room's timeline releases, or behind: then `step`
 * sends what is missing from the database, one page at a time. Joining, resuming and lagging all use this path.
 *
 * Its pass is never older than the room's fence as the timeline knows it. If that cannot be said, the subscription is
 * suspended: it sends nothing until its pass was renewed.
 */
export interface Subscription {
  readonly pass: Pass;
  readonly timeline: Timeline;
  /** Nothing may be done with its pass until it was renewed. */
  readonly isSuspended: boolean;
  /** Sends the next page. Resolves to true once nothing is missing and the subscription is live, or has ended. */
  step(): Promise<boolean>;
  /** Leaves the live topic. Returns false if the subscription was already behind. */
  lag(): boolean;
  /** Sends nothing more until {@link step} has renewed the pass. */
  suspend(): void;
  /** Replaces the pass by a newer one. */
  renew(pass: Pass): void;
  /** Sends a notice that ends the subscription, unless it was published to it. */
  takeLeave(notice: Message): void;
  end(): void;
}

/** The connection that a subscription belongs to. */
interface Reader {
  readonly codec: Codec;
  readonly protocol: Protocol;
  readonly socket: Pick<Socket, "subscribe" | "unsubscribe" | "buffered">;
  readonly parts: {
    readonly budgets: Pick<Budgets, "spend">;
    readonly clock: Clock;
    readonly turns: Turns;
    readonly reads: Pick<Places, "run">;
    readonly presence: Pick<Presence, "online" | "people" | "tellings">;
    readonly delivery: Pick<Delivery, "began" | "ended">;
  };
  send(frame: string): void;
  /**
   * Reads again what the person may do in the room. If they may not read it any more, ends the subscription and resolves
   * to undefined. Rejects if the database is away.
   */
  reenter(subscription: Subscription): Promise<Pass | undefined>;
}

/** Returns the version from which a client at `since` is resumed; undefined: it starts at the timeline's version. */
export function resumedFrom(
  { epoch, released }: Timeline,
  { canRestart }: Pick<Codec, "canRestart">,
  since: Position | undefined,
  beginsAfter: number,
): number | undefined {
  if (since?.epoch !== epoch || since.version > released || since.version < beginsAfter) return undefined;
  return !canRestart || released - since.version <= REPLAY_MAX ? since.version : undefined;
}

/** `position`: the reader has everything up to this version. */
export const createSubscription = (
  reader: Reader,
  pass: Pass,
  timeline: Timeline,
  position: number,
): Subscription => new RoomSubscription(reader, pass, timeline, position);

/** A class, because there is one for each socket in each room: see connection.ts. */
class RoomSubscription implements Subscription, LiveReader {
  /** Where the reader began to miss changes. */
  private since: number;
  private state: "behind" | "live" | "ended" = "behind";
  /** What a reader that lagged still has to be told: that it lagged, and who came and went meanwhile. */
  private lagUntold = false;
  private presenceUntold = false;
  private setbacks: number;
  /** The last notification of presence that `joined` took into account. Live readers alone get those that follow. */
  private told: number;
  isSuspended = false;

  constructor(
    private readonly reader: Reader,
    public pass: Pass,
    readonly timeline: Timeline,
    private position: number,
  ) {
    this.since = position;
    this.setbacks = timeline.setbacks;
    this.told = reader.parts.presence.tellings(timeline.room);
  }

  get format(): Format {
    return this.reader.codec.format;
  }

  get from(): number {
    return this.pass.membership.from;
  }

  async step(): Promise<boolean> {
    const { timeline, reader } = this;
    if (this.state !== "behind") return true;
    // `joined` says what the room is, and the pass may be older than its last title or setting.
    if (this.setbacks !== timeline.setbacks || this.missesTooMuch()) this.isSuspended = true;
    if (this.isSuspended) {
      const pass = await reader.reenter(this);
      if (!this.isBehind()) return true;
      // A notice that was released meanwhile may have taken more than the pass knows.
      if (!pass || pass.membership.fence < timeline.fence) return false;
      this.pass = pass;
      this.isSuspended = false;
    }
    if (this.setbacks !== timeline.setbacks) this.startAgain();
    if (this.lagUntold) this.tellLag();
    if (this.missesTooMuch()) this.startAgain();
    if (this.position < timeline.released) {
      const wait = reader.parts.budgets.spend("replays", this.pass.person);
      if (wait > 0) {
        await new Promise<void>((resolve) => reader.parts.clock.after(wait, resolve));
        return !this.isBehind();
      }
      const { userId } = this.pass.person;
      const page = await reader.parts.reads.run(userId, () => reader.codec.missed(timeline, this.position));
      const turn = reader.parts.turns.next(() => userId);
      if (turn) await turn;
      // A page by id has messages in their present state, which may be one that was not released yet.
      if (reader.codec.byId && this.isBehind() && page.counter > timeline.released)
        await timeline.reached(page.counter);
      if (!this.isBehind()) return true;
      // The page may show what this person lost the right to see.
      if (page.fence > this.pass.membership.fence) this.isSuspended = true;
      if (this.isSuspended || this.setbacks !== timeline.setbacks) return false;
      if (page.end <= this.position) throw new Error("the database has less of the room than was released");
      const { released } = timeline;
      this.replay(page, released);
      this.position = Math.max(this.position, Math.min(page.end, released));
    }
    // Only a socket with room for what comes next goes live: the page may have filled it.
    if (this.position < timeline.released || reader.socket.buffered() > SOFT_LIMIT) return false;
    if (this.isBehind()) this.goLive();
    return true;
  }

  lag(): boolean {
    if (!this.stopLive()) return false;
    this.state = "behind";
    this.position = this.since = this.timeline.released;
    this.lagUntold = this.presenceUntold = true;
    return true;
  }

  suspend() {
    this.isSuspended = true;
    // Nothing is missed by it, so the reader need not know.
    if (this.lag()) this.lagUntold = false;
  }

  renew(pass: Pass) {
    const isLive = this.state === "live" && pass.membership.from !== this.from;
    if (isLive) this.reader.parts.delivery.ended(this.timeline.room, this);
    this.pass = pass;
    if (isLive) this.reader.parts.delivery.began(this.timeline.room, this);
  }

  takeLeave(notice: Message) {
    // A reader that misses more would take the notice for its position, and never get what comes before it.
    if (this.state === "behind" && this.position >= notice.version - 1)
      this.reader.protocol.notice(this.timeline.room, notice);
  }

  end() {
    this.stopLive();
    this.state = "ended";
  }

  stepOut() {
    this.reader.socket.unsubscribe(this.topic);
  }

  stepIn(version?: number) {
    // First the topic: the frame may be too much for the socket, which then closes.
    this.reader.socket.subscribe(this.topic);
    if (version !== undefined) this.reader.protocol.synced(this.timeline.room, version);
  }

  private get topic() {
    return topicOf(this.timeline.room, this.format);
  }

  /** Whether the reader cannot continue from its position. */
  private missesTooMuch(): boolean {
    const { canRestart } = this.reader.codec;
    return canRestart && this.timeline.released - this.position > REPLAY_MAX;
  }

  /** Makes the reader discard what it has of the room, if its protocol can say that. */
  private startAgain() {
    const { timeline, reader } = this;
    this.setbacks = timeline.setbacks;
    this.lagUntold = false;
    if (reader.codec.canRestart) reader.protocol.joined(timeline, this.pass, false);
    this.position = this.since = timeline.released;
  }

  /** Called once there is room for the frame: a full socket may have many subscriptions. */
  private tellLag() {
    this.lagUntold = false;
    this.reader.protocol.lagging(this.timeline.room, this.since);
  }

  private tellPresence() {
    this.presenceUntold = false;
    const { room } = this.timeline;
    const { presence } = this.reader.parts;
    this.told = presence.tellings(room);
    this.reader.protocol.presence(room, presence.online(room), presence.people(room));
  }

  /** Ask again after each send: a send that finds the socket full closes it. */
  private isBehind(): boolean {
    return this.state === "behind";
  }

  private goLive() {
    const { reader } = this;
    const { room, released } = this.timeline;
    this.position = released;
    this.state = "live";
    reader.socket.subscribe(this.topic);
    reader.parts.delivery.began(room, this);
    if (this.presenceUntold || this.told !== reader.parts.presence.tellings(room)) this.tellPresence();
    // Last, but still in this tick, before anything is published: a send may end the subscription.
    reader.protocol.synced(room, released);
  }

  private stopLive(): boolean {
    if (this.state !== "live") return false;
    const { socket, parts } = this.reader;
    socket.unsubscribe(this.topic);
    parts.delivery.ended(this.timeline.room, this);
    return true;
  }

  private replay(page: SharedPage, released: number) {
    const standpoint = { room: this.timeline.room, since: this.since, released };
    for (const message of page.messages) {
      if (message.id < this.from) continue;
      const frame = this.reader.codec.replay(page, message, standpoint);
      if (frame !== undefined) this.reader.send(frame);
    }
  }
}
