import { type Bucket, type Limit, Meter, Buckets, SingleBucket, UNLIMITED } from "./limits/buckets.ts";
import type { Bus } from "./bus/bus.ts";
import type { Clock } from "./clock.ts";
import { Refusal } from "./errors.ts";
import type { Identity } from "./identity.ts";
import type { Metrics } from "./metrics.ts";
import { PER_SITE, siteOf } from "./limits/network.ts";
import {
  BUDGET_NAMES,
  BUDGETS,
  type BudgetName,
  type SharedBudget,
  type SocketBudget,
} from "./protocol/budgets.ts";

/** A person who spends, or a key in their name. Their token or the key may give them a multiple of the usual budgets. */
export type Spender = Pick<Identity, "userId" | "budget" | "key">;
/**
 * The owner of a budget: a person, a key, or the network of an address. A tenth of what an IPv6 network spends is charged to
 * its site (/48) too, because one party may have all networks of a site.
 */
export type Payer = Spender | string;
/** What tells owners apart: a person's id, a key's, or a network. */
export type Owner = number | string;

/** How often nodes tell each other about heavy users, in milliseconds, and about how many at once. */
const SHARE_MS = 500;
const SHARED_MAX = 1_000;
/** The most heavy users that wait to be announced: ten seconds' worth. */
const UNSHARED_MAX = 20 * SHARED_MAX;

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
  const shared: Partial<Record<SharedBudget, Buckets<Owner>>> = {};
  for (const name of BUDGET_NAMES) {
    const { rate, burst, per } = BUDGETS[name];
    const limit = name === "messages" ? messages : { rate: rate * scale, burst: burst * scale };
    if (limit.rate === 0) continue;
    const meter = new Meter(limit, metrics.overBudget.of(name));
    limits[name] = limit;
    meters[name] = meter;
    if (per === "socket") continue;
    const budget = name as SharedBudget;
    shared[budget] = new Buckets(meter, (owner, units) => note(budget, owner, units));
  }

  /** What heavy users spent on this node since it last told the others. */
  const spent = new Map<string, [SharedBudget, Owner, number]>();

  /** What does not fit into one announcement waits for the next. */
  const share = () => {
    const heavy: [SharedBudget, Owner, number][] = [];
    for (const [key, entry] of spent) {
      if (heavy.length === SHARED_MAX) break;
      spent.delete(key);
      if (entry[2] > 0) heavy.push(entry);
    }
    if (heavy.length > 0) bus.announce({ type: "spent", spent: heavy });
    if (spent.size > 0) clock.after(SHARE_MS, share);
  };

  const note = (budget: SharedBudget, owner: Owner, units: number) => {
    const key = `${budget} ${owner}`;
    const known = spent.get(key);
    if (!known && spent.size >= UNSHARED_MAX) return;
    if (spent.size === 0) clock.after(SHARE_MS, share);
    spent.set(key, [budget, owner, (known?.[2] ?? 0) + units]);
  };

  bus.listen({
    heard(news) {
      if (news.type !== "spent") return;
      const now = clock.monotonic();
      for (const [budget, owner, units] of news.spent) shared[budget]?.charge(now, owner, units);
    },
  });

  const charge = (budget: SharedBudget, owner: Owner, units: number, now: number) => {
    if (shared[budget]?.charge(now, owner, units)) note(budget, owner, units);
  };

  return {
    limits,
    spend(budget, payer, units = 1, now = clock.monotonic()) {
      const buckets = shared[budget];
      if (!buckets) return 0;
      const site = siteAbove(payer);
      const siteWait = site === undefined ? 0 : buckets.wait(now, site, units / PER_SITE);
      if (siteWait > 0) metrics.overBudget.of(budget).count++;
      const wait = siteWait || buckets.spend(now, ownerOf(payer), usualUnits(payer, units));
      if (wait === 0 && site !== undefined) charge(budget, site, units / PER_SITE, now);
      return wait;
    },
    charge(budget, payer, units, now = clock.monotonic()) {
      charge(budget, ownerOf(payer), usualUnits(payer, units), now);
      const site = siteAbove(payer);
      if (site !== undefined) charge(budget, site, units / PER_SITE, now);
    },
    wait(budget, payer) {
      const buckets = shared[budget];
      const now = clock.monotonic();
      const site = siteAbove(payer);
      const siteWait = site === undefined ? 0 : (buckets?.wait(now, site, 1 / PER_SITE) ?? 0);
      return Math.max(siteWait, buckets?.wait(now, ownerOf(payer), usualUnits(payer, 1)) ?? 0);
    },
    refused: (budget) => void metrics.overBudget.of(budget).count++,
    bucket(budget) {
      const meter = meters[budget];
      return meter ? new SingleBucket(meter) : UNLIMITED;
    },
  };
}

/** Returns who owns what a payer spends and occupies. */
export function ownerOf(payer: Payer): Owner {
  if (typeof payer === "string") return payer;
  return payer.key ? ownerOfKey(payer.key) : payer.userId;
}

/** No network is written like this. */
export const ownerOfKey = ({ id }: { readonly id: number }): string => `key ${id}`;

/** Returns units of the usual budgets: a person with ten times those pays a tenth, so that all their tokens have one bucket. */
export const usualUnits = (payer: Payer, units: number): number =>
  typeof payer === "string" || payer.budget === undefined ? units : units / payer.budget;

/** Returns the budgets that somebody has. Those of networks are the same for everyone. */
export function limitsOf({ budget }: Spender, limits: Budgets["limits"]): Budgets["limits"] {
  if (budget === undefined) return limits;
  const own = (name: BudgetName, { rate, burst }: Limit): Limit =>
    BUDGETS[name].per === "network" ? { rate, burst } : { rate: rate * budget, burst: burst * budget };
  const all = Object.entries(limits) as [BudgetName, Limit][];
  return Object.fromEntries(all.map(([name, limit]) => [name, own(name, limit)]));
}

/** The site that a network is a part of, if it is one. */
function siteAbove(payer: Payer): string | undefined {
  const site = typeof payer === "string" ? siteOf(payer) : undefined;
  return site === payer ? undefined : site;
}

/** Throws if there is a wait, as `Budgets.spend` returns it. @throws {Refusal} rate_limited. */
export function afford(waitMs: number): void {
  if (waitMs > 0) throw new Refusal("rate_limited", { retryAfterMs: waitMs });
}
