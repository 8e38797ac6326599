import type { Tally } from "../tally.ts";

/** The most debts that one budget remembers. Beyond that, the smallest are forgotten. */
const REMEMBERED = 20_000;
/** Tolerance for rounding, in milliseconds. */
const ROUNDING = 0.001;

/** The budget of a single payer. `now` is by the monotonic clock. */
export interface Bucket {
  spend(units: number, now: number): number;
  charge(units: number, now: number): void;
}

/** Units a second, and at once. */
export interface Limit {
  readonly rate: number;
  readonly burst: number;
}

/** The generic cell rate algorithm (ITU-T I.371), which keeps one number per payer: when their bucket is full again. */
export class Meter {
  /** The time in which one unit comes back, and all of a burst, in milliseconds. */
  readonly interval: number;
  readonly burst: number;

  constructor(
    limit: Limit,
    readonly refused: Tally,
  ) {
    this.interval = 1000 / limit.rate;
    this.burst = this.interval * limit.burst;
  }

  /** Returns when the bucket is full again after `units` were spent. What exceeds a burst counts as a burst. */
  after(fullAt: number, now: number, units: number): number {
    return Math.max(fullAt, now) + Math.min(units * this.interval, this.burst);
  }

  /** Does the same for what is done already. Nobody owes more than another burst: the bus may deliver twice. */
  afterAll(fullAt: number, now: number, units: number): number {
    return Math.min(Math.max(fullAt, now) + units * this.interval, now + 2 * this.burst);
  }

  /** Returns how long it takes until a bucket may be full again at `next`: 0 if it may. */
  wait(next: number, now: number): number {
    const wait = next - now - this.burst;
    return wait > ROUNDING ? Math.ceil(wait) : 0;
  }
}

/** A class, because there is one for each socket. */
export class SingleBucket implements Bucket {
  private fullAt = 0;

  constructor(private readonly meter: Meter) {}

  spend(units: number, now: number): number {
    const next = this.meter.after(this.fullAt, now, units);
    const wait = this.meter.wait(next, now);
    if (wait === 0) this.fullAt = next;
    else this.meter.refused.count++;
    return wait;
  }

  charge(units: number, now: number) {
    this.fullAt = this.meter.afterAll(this.fullAt, now, units);
  }
}

export const UNLIMITED: Bucket = { spend: () => 0, charge() {} };

/** The buckets of everyone, in bounded memory. */
export class Buckets<Payer> {
  private readonly fullAt = new Map<Payer, number>();
  /** Full buckets are forgotten once there are this many. */
  private sweepAt = 1_000;

  /** Calls `heavy` with what a payer spends who has used more than half of their burst. */
  constructor(
    private readonly meter: Meter,
    private readonly heavy: (payer: Payer, units: number) => void,
  ) {}

  spend(now: number, payer: Payer, units: number): number {
    const { meter } = this;
    const next = meter.after(this.fullAt.get(payer) ?? 0, now, units);
    const wait = meter.wait(next, now);
    if (wait > 0) {
      meter.refused.count++;
      return wait;
    }
    this.set(now, payer, next);
    if (next > now + meter.burst / 2) this.heavy(payer, units);
    return 0;
  }

  /** Returns whether the payer has used more than half of their burst. */
  charge(now: number, payer: Payer, units: number): boolean {
    const next = this.meter.afterAll(this.fullAt.get(payer) ?? 0, now, units);
    this.set(now, payer, next);
    return next > now + this.meter.burst / 2;
  }

  wait(now: number, payer: Payer, units: number): number {
    return this.meter.wait(this.meter.after(this.fullAt.get(payer) ?? 0, now, units), now);
  }

  private set(now: number, payer: Payer, fullAt: number) {
    this.fullAt.set(payer, fullAt);
    if (this.fullAt.size >= this.sweepAt) this.sweep(now);
  }

  /** Rare enough to cost little for each payer. Newcomers owe least, so that they push nobody's debt out. */
  private sweep(now: number) {
    for (const [payer, at] of this.fullAt) if (at <= now) this.fullAt.delete(payer);
    if (this.fullAt.size >= REMEMBERED) {
      const byDebt = [...this.fullAt].sort(([, one], [, other]) => one - other);
      for (const [payer] of byDebt.slice(0, REMEMBERED / 4)) this.fullAt.delete(payer);
    }
    this.sweepAt = Math.min(REMEMBERED, Math.max(1_000, 2 * this.fullAt.size));
  }
}
