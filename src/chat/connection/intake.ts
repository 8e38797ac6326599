import type { Bucket } from "../../limits/buckets.ts";
import { type Budgets, type Spender, usualUnits } from "../../budgets.ts";
import type { Clock } from "../../clock.ts";
import type { CloseReason } from "../../protocol/codes.ts";
import type { Protocol } from "./codec.ts";
import type { FrameCost } from "./peer.ts";
import type { Writer } from "./writer.ts";

/** A frame costs one more for each of these bytes, and this much in all if it cannot be read. */
const BYTES_EACH = 2048;
const MALFORMED = 10;
/** Frames over budget are held and read later. If held frames cost more than this, the socket is closed. */
const HELD_MAX = 1_000;
/** When a flooding client may reconnect, in milliseconds, and what a flood costs from the budget for opening sockets. */
const RETURN_MS = 30_000;
const FLOOD = 30;
/** The shortest wait before held frames are read, in milliseconds. */
const TICK_MS = 20;

type Frame = string | Uint8Array;

/** The connection that an intake belongs to. */
interface Owner {
  readonly writer: Pick<Writer, "pause" | "resume">;
  readonly protocol: Pick<Protocol, "receive">;
  readonly identity: Spender;
  readonly parts: { readonly budgets: Budgets; readonly clock: Clock };
  close(reason: CloseReason, retryAfterMs: number): void;
}

/**
 * Reads one socket no faster than its budget, and its person's, allow. The cost of a frame is known before it is parsed.
 * The runtime delivers what it has read before it pauses, so that much is held here.
 */
export interface Intake extends FrameCost {
  /** Hands a frame on, now or later. Undefined: a control frame, which only counts. */
  take(frame: Frame | undefined): void;
  /** The socket is closed: nothing that is held is read. */
  end(): void;
}

export const createIntake = (owner: Owner): Intake => new SocketIntake(owner);

/** A class, because there is one for each socket: see connection.ts. */
class SocketIntake implements Intake {
  private readonly bucket: Bucket;
  /** Frames over budget, and what they will cost together. */
  private held: (Frame | undefined)[] | undefined;
  private heldCost = 0;
  /** The cost of the frame that is being read, and when it was charged. */
  private cost = 0;
  private now = 0;
  private cancel = () => {};

  constructor(private readonly owner: Owner) {
    this.bucket = owner.parts.budgets.bucket("frames");
  }

  take(frame: Frame | undefined) {
    if (this.held) return this.hold(frame);
    const wait = this.charge(frame);
    if (wait === 0) return this.read(frame);
    this.held = [];
    this.owner.writer.pause("flooding");
    this.hold(frame);
    this.goOnAfter(wait);
  }

  giveBack() {
    this.refund(this.cost);
    this.cost = 0;
  }

  malformed() {
    this.refund(1 - MALFORMED);
  }

  end() {
    this.held = undefined;
    this.cancel();
  }

  /** Returns 0, or how long the frame has to wait. */
  private charge(frame: Frame | undefined): number {
    const { bucket, owner } = this;
    const { budgets, clock } = owner.parts;
    const cost = (this.cost = costOf(frame));
    const now = (this.now = clock.monotonic());
    const wait = bucket.spend(usualUnits(owner.identity, cost), now);
    if (wait > 0) return wait;
    const others = budgets.spend("traffic", owner.identity, cost, now);
    if (others > 0) bucket.charge(usualUnits(owner.identity, -cost), now);
    return others;
  }

  private refund(units: number) {
    const { identity, parts } = this.owner;
    this.bucket.charge(usualUnits(identity, -units), this.now);
    parts.budgets.charge("traffic", identity, -units, this.now);
  }

  private read(frame: Frame | undefined) {
    if (frame !== undefined) this.owner.protocol.receive(frame);
  }

  private hold(frame: Frame | undefined) {
    this.heldCost += costOf(frame);
    if (this.heldCost <= HELD_MAX) return void this.held?.push(frame);
    const { owner } = this;
    owner.parts.budgets.charge("sockets", owner.identity, FLOOD);
    owner.close("flooding", RETURN_MS);
    this.end();
  }

  private goOnAfter(ms: number) {
    this.cancel = this.owner.parts.clock.after(Math.max(ms, TICK_MS), () => this.goOn());
  }

  private goOn() {
    const held = this.held ?? [];
    for (const [index, frame] of held.entries()) {
      const wait = this.charge(frame);
      if (wait > 0) {
        this.held = held.slice(index);
        return this.goOnAfter(wait);
      }
      this.heldCost -= this.cost;
      this.read(frame);
      if (!this.held) return; // the frame closed the socket
    }
    this.held = undefined;
    this.owner.writer.resume("flooding");
  }
}

const costOf = (frame: Frame | undefined) => 1 + Math.floor((frame?.length ?? 0) / BYTES_EACH);
