import type { Budgets } from "../../budgets.ts";
import type { Clock } from "../../clock.ts";
import type { Turns } from "../../limits/turns.ts";
import type { Delivery } from "../delivery/delivery.ts";
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
 */
export interface Subscription {
  readonly pass: Pass;
  readonly timeline: Timeline;
  /** Sends the next page. Resolves to true once nothing is missing and the subscription is live, or has ended. */
  step(): Promise<boolean>;
  /** Leaves the live topic. Returns false if the subscription was already behind. */
  lag(): boolean;
  /** Replaces the pass after its person got a newer token. */
  renew(pass: Pass): void;
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
    readonly presence: Pick<Presence, "online" | "people">;
    readonly delivery: Pick<Delivery, "count">;
  };
  send(frame: string): void;
}

/** `position`: the reader has everything up to this version. */
export const createSubscription = (
  reader: Reader,
  pass: Pass,
  timeline: Timeline,
  position: number,
): Subscription => new RoomSubscription(reader, pass, timeline, position);

/** A class, because there is one for each socket in each room: see connection.ts. */
class RoomSubscription implements Subscription {
  /** Where the reader began to miss changes. */
  private since: number;
  private state: "behind" | "live" | "ended" = "behind";
  /** What a reader that lagged still has to be told: that it lagged, and who came and went meanwhile. */
  private lagUntold = false;
  private presenceUntold = false;
  private setbacks: number;

  constructor(
    private readonly reader: Reader,
    public pass: Pass,
    readonly timeline: Timeline,
    private position: number,
  ) {
    this.since = position;
    this.setbacks = timeline.setbacks;
  }

  async step(): Promise<boolean> {
    const { timeline, reader } = this;
    if (this.state !== "behind") return true;
    if (this.setbacks !== timeline.setbacks) this.startAgain();
    if (this.lagUntold) this.tellLag();
    if (reader.codec.canRestart && timeline.released - this.position > REPLAY_MAX) this.startAgain();
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
      if (!this.isBehind()) return true;
      if (this.setbacks !== timeline.setbacks) return false;
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

  renew(pass: Pass) {
    this.pass = pass;
  }

  end() {
    this.stopLive();
    this.state = "ended";
  }

  /** Makes the reader discard what it has of the room, if its protocol can say that. */
  private startAgain() {
    const { timeline, reader } = this;
    this.setbacks = timeline.setbacks;
    this.lagUntold = false;
    if (reader.codec.canRestart) reader.protocol.joined(timeline, false);
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
    this.reader.protocol.presence(room, presence.online(room), presence.people(room));
  }

  /** Ask again after each send: a send that finds the socket full closes it. */
  private isBehind(): boolean {
    return this.state === "behind";
  }

  private goLive() {
    const { reader } = this;
    const { codec } = reader;
    const { room, released } = this.timeline;
    this.position = released;
    this.state = "live";
    reader.socket.subscribe(codec.topicOf(room));
    reader.parts.delivery.count(room, codec.format, 1);
    if (this.presenceUntold) this.tellPresence();
    // Last, but still in this tick, before anything is published: a send may end the subscription.
    reader.protocol.synced(room, released);
  }

  private stopLive(): boolean {
    if (this.state !== "live") return false;
    const { socket, codec, parts } = this.reader;
    socket.unsubscribe(codec.topicOf(this.timeline.room));
    parts.delivery.count(this.timeline.room, codec.format, -1);
    return true;
  }

  private replay(page: SharedPage, released: number) {
    const standpoint = { room: this.timeline.room, since: this.since, released };
    for (const message of page.messages) {
      const frame = this.reader.codec.replay(page, message, standpoint);
      if (frame !== undefined) this.reader.send(frame);
    }
  }
}
