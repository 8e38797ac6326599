import type { Context } from "hono";
import { afford, ownerOfKey, type Payer } from "../budgets.ts";
import { checkToken } from "../door.ts";
import { BUDGETS, type SharedBudget } from "../protocol/budgets.ts";
import { type Env, tokenOf } from "./request.ts";

/** What a request costs: units of one budget. */
export interface Cost<Query = never> {
  readonly budget: SharedBudget;
  /** Defaults to 1. */
  units?(query: Query): number;
}

/** Returns what a request costs whose route declares nothing else. */
const usualCost = (c: Context<Env>): Cost => ({
  budget: c.get("key") ? "admin" : c.get("identity") ? "requests" : "visits",
});

/** Charges a request to its key or person, or else to the network that it came from. @throws {Refusal} rate_limited. */
export function pay<Query>(c: Context<Env>, cost: Cost<Query> = usualCost(c), query?: Query): void {
  const { budget, units } = cost;
  afford(c.get("budgets").spend(budget, payerOf(c, budget), units?.(query as Query)));
}

function payerOf(c: Context<Env>, budget: SharedBudget): Payer {
  switch (BUDGETS[budget].per) {
    case "person":
      return c.get("identity");
    case "key":
      return ownerOfKey(c.get("key"));
    case "network":
      return c.get("network");
  }
}

/** Whether the network of a request has spent its budget for strangers. */
export const isOverBudget = (c: Context<Env>): boolean =>
  c.get("budgets").wait("visits", c.get("network")) > 0;

/** Charges a request to somebody, or to its network if there is nobody. @throws {Refusal} rate_limited. */
export function payAs(c: Context<Env>, payer: Payer | undefined): void {
  if (payer === undefined) pay(c);
  else afford(c.get("budgets").spend("requests", payer));
}

/** Checks the bearer token of a request: see door.ts. */
export const checkBearer = <T>(
  c: Context<Env>,
  knows: (token: string) => boolean,
  check: (token: string) => Promise<T> | T,
): Promise<T> =>
  checkToken({
    budgets: c.get("budgets"),
    network: c.get("network"),
    token: tokenOf(c),
    knows,
    check,
  });
