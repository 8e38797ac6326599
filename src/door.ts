import { afford, type Budgets } from "./budgets.ts";
import { Refusal } from "./errors.ts";
import { ERRORS } from "./protocol/codes.ts";

/** What a wrong token costs the network that it came from. */
const WRONG_TOKEN = 2;

/** A token as a request or a handshake shows it. */
interface Shown<T> {
  readonly budgets: Pick<Budgets, "spend" | "charge">;
  /** The network that it came from. */
  readonly network: string;
  readonly token: string | undefined;
  /** Whether checking it costs next to nothing, for example because it was good before. */
  knows(token: string): boolean;
  check(token: string): Promise<T> | T;
}

/**
 * Checks a token. A missing or wrong one is charged to the network that it came from. If that has spent its budget for
 * strangers, only tokens that are known are checked.
 * @throws {Refusal} rate_limited, token_missing, and those of `check`.
 */
export async function checkToken<T>({ budgets, network, token, knows, check }: Shown<T>): Promise<T> {
  if (token === undefined) {
    afford(budgets.spend("visits", network));
    throw new Refusal("token_missing");
  }
  if (!knows(token)) afford(budgets.spend("visits", network, 0));
  try {
    return await check(token);
  } catch (error) {
    if (error instanceof Refusal && isOfToken(error)) budgets.charge("visits", network, WRONG_TOKEN);
    throw error;
  }
}

/** Whether the token is at fault. An outage is not, but too many wrong tokens before it are. */
const isOfToken = ({ code }: Refusal) => !ERRORS[code].retryable || code === "rate_limited";
