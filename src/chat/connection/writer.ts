import type { CloseReason } from "../../protocol/codes.ts";
import type { Clock } from "../../clock.ts";
import type { Subscription } from "./subscription.ts";
import { HARD_LIMIT, SEND_ROOM, SOFT_LIMIT, STALL_MS } from "../limits.ts";
import type { Socket } from "../ports.ts";

/** How long a replay waits before it retries after the database was away, in milliseconds. */
const RETRY_MS = 500;

/** The connection that a writer belongs to. */
interface Owner {
  readonly socket: Socket;
  readonly parts: {
    readonly clock: Clock;
    /** Counts a socket that starts (+1) or stops (-1) lagging. */
    lagging(change: 1 | -1): void;
  };
  readonly subscriptions: readonly Subscription[];
  close(reason: CloseReason): void;
}

type Why = "commands" | "lagging" | "flooding";

/** Writes to one socket, mindful of its buffer: every direct send, and the replay of subscriptions that are behind. */
export interface Writer {
  send(frame: string): void;
  /** Whether more than the soft limit waits. */
  readonly isFull: boolean;
  /** Resolves when the socket has drained; undefined if it takes more now. */
  writable(): Promise<void> | undefined;
  /** Sends what a subscription is missing, in turn with others, as fast as the socket takes it. */
  replay(subscription: Subscription): void;
  forget(subscription: Subscription): void;
  /**
   * If more than the soft limit waits, takes every subscription off the live topics and stops reading. If any bytes wait,
   * up to `hidden` more may wait unseen.
   */
  lagIfSlow(hidden: number): void;
  drained(): void;
  pause(why: Why): void;
  resume(why: Why): void;
  end(): void;
}

export const createWriter = (owner: Owner): Writer => new SocketWriter(owner);

/** A class, because there is one for each socket (see connection.ts). Fields that are rarely used are created late. */
class SocketWriter implements Writer {
  private behind: Set<Subscription> | undefined;
  private pausedFor: Set<Why> | undefined;
  private waiting: (() => void)[] | undefined;
  private cancelStall: (() => void) | undefined;
  private replaying = false;
  private ended = false;
  private lags = false;

  constructor(private readonly owner: Owner) {}

  pause(why: Why) {
    this.pausedFor ??= new Set();
    if (this.pausedFor.size === 0) this.owner.socket.pause();
    this.pausedFor.add(why);
  }

  resume(why: Why) {
    if (this.pausedFor?.delete(why) && this.pausedFor.size === 0 && !this.ended) this.owner.socket.resume();
  }

  lagIfSlow(hidden: number) {
    const waiting = this.owner.socket.buffered();
    if (this.ended || waiting === 0 || waiting + hidden <= SOFT_LIMIT) return;
    this.stall();
    this.setLags(true);
    this.pause("lagging");
    for (const each of this.owner.subscriptions) if (each.lag()) this.isBehind(each);
    void this.replayAll();
  }

  send(frame: string) {
    if (this.ended) return;
    const { socket } = this.owner;
    if (socket.buffered() > HARD_LIMIT - SEND_ROOM) return this.owner.close("slow");
    socket.send(frame);
  }

  get isFull() {
    return this.owner.socket.buffered() > SOFT_LIMIT;
  }

  writable(): Promise<void> | undefined {
    if (this.ended || !this.isFull) return undefined;
    this.stall();
    return new Promise((resolve) => (this.waiting ??= []).push(resolve));
  }

  replay(subscription: Subscription) {
    this.isBehind(subscription);
    void this.replayAll();
  }

  forget(subscription: Subscription) {
    this.behind?.delete(subscription);
  }

  drained() {
    const stalled = this.cancelStall !== undefined;
    this.cancelStall?.();
    this.cancelStall = undefined;
    if (this.owner.socket.buffered() > SOFT_LIMIT) {
      if (stalled) this.stall(); // restart the timer: the client reads, if slowly
      return;
    }
    this.resume("lagging");
    this.wakeAll();
    if (!this.replaying) this.setLags(false);
  }

  end() {
    this.ended = true;
    this.cancelStall?.();
    this.wakeAll();
    this.setLags(false);
  }

  private isBehind(subscription: Subscription) {
    (this.behind ??= new Set()).add(subscription);
  }

  /** Closes the socket if it does not drain in time. */
  private stall() {
    this.cancelStall ??= this.owner.parts.clock.after(STALL_MS, () => this.owner.close("slow"));
  }

  private setLags(now: boolean) {
    if (this.lags === now) return;
    this.lags = now;
    this.owner.parts.lagging(now ? 1 : -1);
  }

  private wakeAll() {
    const woken = this.waiting ?? [];
    this.waiting = undefined;
    for (const wake of woken) wake();
  }

  private async replayAll(): Promise<void> {
    if (this.replaying) return;
    this.replaying = true;
    while (this.behind && !this.ended) {
      const { behind } = this;
      for (const each of behind) {
        const pause = this.writable();
        if (pause) await pause;
        if (this.ended) break;
        // Deleted first: a subscription may lag again right after it went live.
        behind.delete(each);
        try {
          if (!(await each.step())) behind.add(each);
        } catch {
          behind.add(each);
          // The database is away. The check of the rooms logs it.
          await new Promise<void>((resolve) => this.owner.parts.clock.after(RETRY_MS, resolve));
        }
      }
      if (behind.size === 0) this.behind = undefined;
    }
    this.replaying = false;
    if (!this.cancelStall) this.setLags(false);
  }
}
