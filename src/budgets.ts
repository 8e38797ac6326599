import type { Bus } from "./bus/bus.ts";
import type { Clock } from "./clock.ts";
import { Refusal } from "./errors.ts";
import type { Metrics } from "./metrics.ts";
import { PER_SITE, siteOf } from "./network.ts";
import {
  BUDGET_NAMES,
  BUDGETS,
  type BudgetName,
  type SharedBudget,
  type SocketBudget,
} from "./protocol/budgets.ts";
import type { Tally } from "./tally.ts";

/**
 * Whoever has a budget: a person's id, or the network of an address. A tenth of what an IPv6 network spends is charged to
 * its site (/48) too, because one party may have all networks of a site.
 */
export type Payer = number | string;

/** The debts that one budget remembers. Beyond, those who owe least are forgotten. */
const REMEMBERED = 20_000;
/** How often nodes tell each other about heavy users, in milliseconds, and about how many at once. */
const SHARE_MS = 500;
const SHARED_MAX = 1_000;
/** Tolerance for rounding, in milliseconds. */
const ROUNDING = 0.001;

/**
 * Counts what everyone uses. Each node counts in its own buckets, so nothing waits for another node. Once someone has used
 * more than half of a burst, nodes share what they counted: anyone who uses several nodes can burst on each of them but
 * has one rate in the long run, and people at a normal pace cost the bus nothing.
 */
export interface Budgets {
  /**
   * Spends units. Returns 0, or the milliseconds until they can be spent; then nothing was spent. `now` saves reading the
   * monotonic clock again.
   */
  spend(budget: SharedBudget, payer: Payer, units?: number, now?: number): number;
  /** Charges for what was done already, into debt if need be. Negative units are given back. */
  charge(budget: SharedBudget, payer: Payer, units: number, now?: number): void;
  /** Returns the milliseconds until one unit can be spent, without spending it or counting a refusal. */
  wait(budget: SharedBudget, payer: Payer): number;
  /** Counts a refusal that followed from `wait`. */
  refused(budget: SharedBudget): void;
  /** Creates the bucket of one socket, which no other node knows. */
  bucket(budget: SocketBudget): Bucket;
  /** The budgets that have a limit. */
  readonly limits: Readonly<Partial<Record<BudgetName, Limit>>>;
}

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

interface BudgetsOptions {
  /** Multiplies all budgets but that of messages; 0 turns them off. */
  readonly scale: number;
  /** A rate of 0 turns it off. */
  readonly messages: Limit;
  readonly clock: Clock;
  readonly bus: Pick<Bus, "announce" | "listen">;
  readonly metrics: Pick<Metrics, "overBudget">;
}

export function createBudgets({ scale, messages, clock, bus, metrics }: BudgetsOptions): Budgets {
  const limits: Partial<Record<BudgetName, Limit>> = {};
  const meters: Partial<Record<BudgetName, Meter>> = {};
  const purses: Partial<Record<SharedBudget, Purses>> = {};
  for (const name of BUDGET_NAMES) {
    const { rate, burst, per } = BUDGETS[name];
    const limit = name === "messages" ? messages : { rate: rate * scale, burst: burst * scale };
    if (limit.rate === 0) continue;
    const meter = new Meter(limit, metrics.overBudget.of(name));
    limits[name] = limit;
    meters[name] = meter;
    if (per === "socket") continue;
    const budget = name as SharedBudget;
    purses[budget] = new Purses(meter, (payer, units) => note(budget, payer, units));
  }

  /** What heavy users spent on this node since it last told the others. */
  const spent = new Map<string, [SharedBudget, Payer, number]>();

  const share = () => {
    const heaviest = [...spent.values()].filter(([, , units]) => units > 0).slice(0, SHARED_MAX);
    spent.clear();
    if (heaviest.length > 0) bus.announce({ type: "spent", spent: heaviest });
  };

  const note = (budget: SharedBudget, payer: Payer, units: number) => {
    if (spent.size === 0) clock.after(SHARE_MS, share);
    const key = `${budget} ${payer}`;
    spent.set(key, [budget, payer, (spent.get(key)?.[2] ?? 0) + units]);
  };

  bus.listen({
    heard(news) {
      if (news.type !== "spent") return;
      const now = clock.monotonic();
      for (const [budget, payer, units] of news.spent) purses[budget]?.charge(now, payer, units);
    },
  });

  const charge = (budget: SharedBudget, payer: Payer, units: number, now: number) => {
    if (purses[budget]?.charge(now, payer, units)) note(budget, payer, units);
  };

  return {
    limits,
    spend(budget, payer, units = 1, now = clock.monotonic()) {
      const purse = purses[budget];
      if (!purse) return 0;
      const site = siteAbove(payer);
      const siteWait = site === undefined ? 0 : purse.wait(now, site, units / PER_SITE);
      if (siteWait > 0) metrics.overBudget.of(budget).count++;
      const wait = siteWait || purse.spend(now, payer, units);
      if (wait === 0 && site !== undefined) charge(budget, site, units / PER_SITE, now);
      return wait;
    },
    charge(budget, payer, units, now = clock.monotonic()) {
      charge(budget, payer, units, now);
      const site = siteAbove(payer);
      if (site !== undefined) charge(budget, site, units / PER_SITE, now);
    },
    wait(budget, payer) {
      const purse = purses[budget];
      const now = clock.monotonic();
      const site = siteAbove(payer);
      const siteWait = site === undefined ? 0 : (purse?.wait(now, site, 1 / PER_SITE) ?? 0);
      return Math.max(siteWait, purse?.wait(now, payer, 1) ?? 0);
    },
    refused: (budget) => void metrics.overBudget.of(budget).count++,
    bucket(budget) {
      const meter = meters[budget];
      return meter ? new SingleBucket(meter) : UNLIMITED;
    },
  };
}

/** The site that a network is a part of, if it is one. */
function siteAbove(payer: Payer): string | undefined {
  const site = typeof payer === "string" ? siteOf(payer) : payer;
  return typeof site === "number" || site === payer ? undefined : site;
}

/** Throws if there is a wait, as `Budgets.spend` returns it. @throws {Refusal} rate_limited. */
export function afford(waitMs: number): void {
  if (waitMs > 0) throw new Refusal("rate_limited", { retryAfterMs: waitMs });
}

/** The generic cell rate algorithm (ITU-T I.371), which keeps one number per payer: when their bucket is full again. */
class Meter {
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
class SingleBucket implements Bucket {
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

const UNLIMITED: Bucket = { spend: () => 0, charge() {} };

/** The buckets of everyone, in bounded memory. */
class Purses {
  private readonly fullAt = new Map<Payer, number>();
  /** Full buckets are forgotten once there are this many. */
  private sweepAt = 1_000;

  /** `heavy` is called with what someone spent who has used more than half of their burst. */
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
