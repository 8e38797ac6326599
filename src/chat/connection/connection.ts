import { Refusal, refusalOf } from "../../errors.ts";
import { afford } from "../../budgets.ts";
import type { Identity } from "../../identity.ts";
import type { Message } from "../../message.ts";
import type { PersonBudget } from "../../protocol/budgets.ts";
import { CLOSE, type CloseReason } from "../../protocol/codes.ts";
import type { Position } from "../../protocol/frames.ts";
import { AccessDenied, type Departure } from "../access/access.ts";
import type { Origin } from "../access/submit.ts";
import { EXPIRING_MS, OUTSTANDING, TOKEN_LOOK_MS } from "../limits.ts";
import type { Pass } from "../pass.ts";
import type { Departures, Socket } from "../ports.ts";
import type { Action } from "../rights.ts";
import type { Timeline } from "../room/timeline.ts";
import { arrive } from "./arrival.ts";
import type { Codec, Protocol } from "./codec.ts";
import type { OpenConnection } from "./hub.ts";
import type { Connection, ConnectionOptions, ConnectionParts } from "./parts.ts";
import type { Peer, Task } from "./peer.ts";
import { createIntake, type Intake } from "./intake.ts";
import { enter, late, reenter, upToDate } from "./passes.ts";
import { createSubscription, resumedFrom, type Subscription } from "./subscription.ts";
import { createWatch, type Watch } from "./watch.ts";
import { createWriter, type Writer } from "./writer.ts";

export const createConnection = (
  parts: ConnectionParts,
  codec: Codec,
  options: ConnectionOptions,
): Connection => new SocketConnection(parts, codec, options);

/** Most sockets have few rooms: a list is far smaller than a Map, and all empty ones are shared. */
const NONE: readonly Subscription[] = [];

/**
 * A class, as are its parts: there is one for each socket, methods on a prototype take no memory per socket, and closures
 * take 80 bytes each. For the same reason, whatever an idle socket does not need is created when it is needed.
 */
class SocketConnection implements Connection, OpenConnection, Peer {
  readonly socket: Socket;
  readonly room: string | undefined;
  identity: Identity;
  readonly origin: Origin;
  readonly protocol: Protocol;
  private readonly since: Position | undefined;
  readonly writer: Writer;
  private intakeIfAny: Intake | undefined;
  /** One for each joined room. The list is replaced, not changed, because rooms are left during iteration. */
  subscriptions = NONE;
  private lastTurn: Promise<void> | undefined;
  private outstanding = 0;
  private closed = false;
  /** This side closed the socket. */
  private dropped = false;
  watchIfAny: Watch | undefined;
  /** When the client is next warned that its token expires; again after half of the rest, until there is a newer one. */
  private warnAt = 0;

  constructor(
    readonly parts: ConnectionParts,
    readonly codec: Codec,
    { socket, identity, address = "", room, since }: ConnectionOptions,
  ) {
    this.socket = socket;
    this.identity = identity;
    this.origin = { via: "socket", address };
    this.room = room;
    this.since = since;
    this.writer = createWriter(this);
    this.protocol = codec.start(this);
  }

  open() {
    if (!this.parts.hub.add(this)) return this.close("too_many_sockets");
    this.protocol.greet();
    this.checkToken(true);
    const { room } = this;
    if (room !== undefined) this.inTurn(() => this.joinOwn(room));
  }

  receive(frame: string | Uint8Array | undefined) {
    if (!this.closed) this.intake.take(frame);
  }

  spend(budget: PersonBudget, units: number) {
    return this.parts.budgets.spend(budget, this.identity, units);
  }

  get intake() {
    return (this.intakeIfAny ??= createIntake(this));
  }

  drained() {
    this.writer.drained();
    this.watchIfAny?.drained();
  }

  lagIfSlow(hidden: number) {
    this.writer.lagIfSlow(hidden);
  }

  fallBehind(timeline: Timeline) {
    const subscription = this.subscriptionTo(timeline);
    return subscription?.lag() ? () => this.writer.replay(subscription) : undefined;
  }

  watch(on: boolean) {
    return (this.watchIfAny ??= createWatch(this)).set(on);
  }

  noticed(timeline: Timeline, notice: Message) {
    const subscription = this.subscriptionTo(timeline);
    const next = subscription && this.parts.access.after(subscription.pass, notice);
    if (!subscription || next === undefined) return this.suspend(timeline);
    if (typeof next === "object") return subscription.renew(next);
    subscription.takeLeave(notice);
    this.expel(subscription, next);
  }

  suspend(timeline: Timeline) {
    const subscription = this.subscriptionTo(timeline);
    subscription?.suspend();
    if (subscription) this.writer.replay(subscription);
  }

  reenter(subscription: Subscription) {
    return reenter(this, subscription, (reason) => this.expel(subscription, reason));
  }

  marked(room: string, id: number, back: boolean) {
    if (this.joined(room)) this.protocol.marked(room, id, back);
  }

  depart(departures: Departures, subscriptions: readonly Subscription[]) {
    for (const subscription of departures.size > 0 ? subscriptions : NONE) {
      const why = departures.get(subscription.pass.room);
      if (why) this.expel(subscription, why === "banned" ? "removed" : "left");
    }
  }

  checkToken(isNew = false) {
    if (this.closed) return;
    const { expiresAt } = this.identity;
    const left = expiresAt - this.parts.clock.now();
    if (isNew) this.warnAt = expiresAt - Math.min(EXPIRING_MS, left / 2);
    if (left <= 0) return this.close("token_expired");
    if (expiresAt - left + TOKEN_LOOK_MS >= this.warnAt) {
      this.protocol.expiring(expiresAt);
      this.warnAt = left > TOKEN_LOOK_MS ? expiresAt - left / 2 : Infinity;
    }
    // It expires before the next check: close at that very moment.
    if (left <= TOKEN_LOOK_MS) this.parts.clock.after(left, () => this.checkToken());
  }

  close(reason: CloseReason, retryAfterMs?: number) {
    if (this.closed) return;
    if (retryAfterMs !== undefined) this.protocol.closing(reason, retryAfterMs);
    this.closed = this.dropped = true;
    this.intakeIfAny?.end();
    this.socket.close(CLOSE[reason], reason);
  }

  ended() {
    this.closed = true;
    for (const { timeline } of this.subscriptions) this.leave(timeline.room);
    this.intakeIfAny?.end();
    this.writer.end();
    this.watchIfAny?.end();
    this.parts.hub.remove(this);
  }

  send(frame: string) {
    this.writer.send(frame);
  }

  writable() {
    return this.writer.writable();
  }

  owe(change: 1 | -1) {
    this.outstanding += change;
    if (change > 0 && this.outstanding === OUTSTANDING) this.writer.pause("commands");
    if (change < 0 && this.outstanding === OUTSTANDING / 2) this.writer.resume("commands");
  }

  inTurn(task: Task) {
    const last = this.lastTurn ? this.lastTurn.then(() => this.attempt(task)) : this.attempt(task);
    if (!last) return;
    this.lastTurn = last;
    void last.then(() => {
      if (this.lastTurn === last) this.lastTurn = undefined;
    });
  }

  enter<A extends Action>(room: string, action: A): Pass<A> | Promise<Pass<A>> {
    return enter(this, this.subscriptionOf(room), room, action);
  }

  async join(room: string, since: Position | undefined, accepted: () => void): Promise<void> {
    const { rooms, presence } = this.parts;
    await this.writable(); // `joined` may be a large frame, and a client may send many joins at once
    if (this.closed) throw new Refusal("unavailable");
    let { pass, reading, timeline, begins } = await arrive(this, room, since);
    // The pass has to be as new as the timeline in this very tick, so nothing is awaited after that.
    try {
      const isOld = (some: Pass) => some.membership.fence < timeline.fence;
      pass = await upToDate(this, pass, timeline, isOld);
      if (this.closed || isOld(pass)) throw late();
    } catch (error) {
      rooms.close(timeline);
      throw error;
    }
    presence.enter(pass); // first, so that a person who joins again was never gone
    this.leave(room);
    const position = resumedFrom(timeline, this.codec, since, pass.membership.beginsAfter);
    const begin = this.codec.canRestart ? timeline.released : begins;
    const subscription = createSubscription(this, pass, timeline, position ?? begin);
    this.subscriptions = [...this.subscriptions, subscription];
    accepted();
    const here = { online: presence.online(room), people: presence.people(room) };
    this.protocol.joined(timeline, pass, position !== undefined, { ...here, ...reading });
    this.writer.replay(subscription);
  }

  hasPlaceFor(room: string) {
    return this.joined(room) || this.subscriptions.length < this.parts.roomsPerSocket;
  }

  leave(room: string, forGood = false) {
    const subscription = this.subscriptionOf(room);
    if (!subscription) return;
    this.subscriptions = this.subscriptions.filter((other) => other !== subscription);
    if (this.subscriptions.length === 0) this.subscriptions = NONE;
    this.writer.forget(subscription);
    subscription.end();
    this.parts.rooms.close(subscription.timeline);
    this.parts.presence.leave(subscription.pass, forGood);
  }

  joined(room: string) {
    return this.subscriptionOf(room) !== undefined;
  }

  renew(next: Identity) {
    if (next.userId !== this.identity.userId) return this.close("token_invalid");
    this.identity = next;
    this.checkToken(true);
    for (const subscription of this.subscriptions) {
      try {
        subscription.renew(this.parts.access.renew(subscription.pass, next));
      } catch (error) {
        if (!(error instanceof AccessDenied)) throw error;
        this.expel(subscription, error.reason);
      }
    }
  }

  private subscriptionTo(timeline: Timeline): Subscription | undefined {
    return this.subscriptions.find((subscription) => subscription.timeline === timeline);
  }

  private subscriptionOf(room: string): Subscription | undefined {
    return this.subscriptions.find(({ timeline }) => timeline.room === room);
  }

  private async joinOwn(room: string): Promise<void> {
    try {
      afford(this.spend("joins", 1));
      await this.join(room, this.since, () => {});
    } catch (error) {
      if (!(error instanceof Refusal)) this.parts.faulted(error);
      const { code, more } = refusalOf(error);
      this.protocol.refused(refusalOf(error));
      if (code === "rate_limited") return this.close("flooding", more.retryAfterMs);
      this.close(error instanceof AccessDenied ? error.reason : "resync");
    }
  }

  /** Leaves a room that the person may no longer be in. If it is the room of the URL, the socket closes. */
  private expel(subscription: Subscription, reason: Departure) {
    const { room } = subscription.pass;
    if (!this.subscriptions.includes(subscription)) return;
    this.leave(room, true);
    if (room === this.room) return this.close(reason);
    this.protocol.left(room, reason);
  }

  private attempt(task: Task): Promise<void> | undefined {
    // After a close from this side, access may have ended. Commands sent before the client itself closed still run.
    if (this.dropped) return undefined;
    try {
      return task()?.catch(this.parts.faulted);
    } catch (error) {
      this.parts.faulted(error);
    }
  }
}
