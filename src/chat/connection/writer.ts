import type { CloseReason } from "../../protocol/codes.ts";
import type { Feed } from "./subscription.ts";
import { HARD_LIMIT, SEND_ROOM, SOFT_LIMIT, STALL_MS } from "../limits.ts";
import type { Socket } from "../ports.ts";
import type { Shared } from "./peer.ts";

/** How long a replay waits for a database that is away, in milliseconds. */
const RETRY_MS = 500;

/** Whose outbox it is: the connection. */
interface Owner {
  readonly socket: Socket;
  readonly shared: Pick<Shared, "clock" | "lagging">;
  readonly feeds: readonly Feed[];
  close(reason: CloseReason): void;
}

type Why = "commands" | "lagging";

/** What goes out of one socket: every direct send, and the feeds that are behind, with the socket's buffer in sight. */
export interface Outbox {
  send(frame: string): void;
  /** Settles when the socket has drained; nothing where it takes more at once. */
  writable(): Promise<void> | undefined;
  /** Sends what a feed is missing, in turn with others, as fast as the socket takes it. */
  replay(feed: Feed): void;
  forget(feed: Feed): void;
  /**
   * Past the soft limit: takes every feed off the live topics and stops reading. `hidden`: so many bytes more may wait
   * where some do.
   */
  lagIfSlow(hidden: number): void;
  drained(): void;
  pause(why: Why): void;
  resume(why: Why): void;
  end(): void;
}

export const createOutbox = (owner: Owner): Outbox => new SocketOutbox(owner);

/** A class, since there is one for each socket (see connection.ts); what is seldom needed is made when it is. */
class SocketOutbox implements Outbox {
  private behind: Set<Feed> | undefined;
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
    for (const feed of this.owner.feeds) if (feed.lag()) this.isBehind(feed);
    void this.replayAll();
  }

  send(frame: string) {
    if (this.ended) return;
    const { socket } = this.owner;
    if (socket.buffered() > HARD_LIMIT - SEND_ROOM) return this.owner.close("slow");
    socket.send(frame);
  }

  writable(): Promise<void> | undefined {
    if (this.ended || this.owner.socket.buffered() <= SOFT_LIMIT) return undefined;
    this.stall();
    return new Promise((resolve) => (this.waiting ??= []).push(resolve));
  }

  replay(feed: Feed) {
    this.isBehind(feed);
    void this.replayAll();
  }

  forget(feed: Feed) {
    this.behind?.delete(feed);
  }

  drained() {
    const stalled = this.cancelStall !== undefined;
    this.cancelStall?.();
    this.cancelStall = undefined;
    if (this.owner.socket.buffered() > SOFT_LIMIT) {
      if (stalled) this.stall(); // anew: it reads, if slowly
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

  private isBehind(feed: Feed) {
    (this.behind ??= new Set()).add(feed);
  }

  /** Not written to until it has drained; closed if it does not in time. */
  private stall() {
    this.cancelStall ??= this.owner.shared.clock.after(STALL_MS, () => this.owner.close("slow"));
  }

  private setLags(now: boolean) {
    if (this.lags === now) return;
    this.lags = now;
    this.owner.shared.lagging(now ? 1 : -1);
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
      for (const feed of behind) {
        const pause = this.writable();
        if (pause) await pause;
        if (this.ended) break;
        // Taken out before: it may lag again in the moment after it became live.
        behind.delete(feed);
        try {
          if (!(await feed.step())) behind.add(feed);
        } catch {
          behind.add(feed);
          // The database is away; the timeline's own check tells of it.
          await new Promise<void>((resolve) => this.owner.shared.clock.after(RETRY_MS, resolve));
        }
      }
      if (behind.size === 0) this.behind = undefined;
    }
    this.replaying = false;
    if (!this.cancelStall) this.setLags(false);
  }
}
