import type { Database } from "../db/database.ts";
import { DataDirHeld } from "../db/owner.ts";
import type { Order } from "../order.ts";
import { CommandError, type Context } from "./command.ts";
import { withDatabase } from "./database.ts";

const REASON_MAX = 500;
const ACTOR_MAX = 64;

/** The arguments of an operator's order: the person, and the reason for the audit. */
export const ORDER_USAGE = "<id|username|email> [reason]";

/** An order given by the shell's user. */
export const orderOf = ({ user, machine }: Context, reason = ""): Order => ({
  via: "cli",
  actor: user().slice(0, ACTOR_MAX),
  address: machine,
  reason: reason.slice(0, REASON_MAX),
});

interface Orders<T> {
  /** The person, then the words of the reason. */
  readonly args: readonly string[];
  readonly usage: string;
  /** Returns the request that does the same on a running server. */
  route(name: string): string;
  work(database: Database, name: string, order: Order): Promise<T>;
}

/** Carries out an order about a person. @throws {CommandError} if a running server owns the database. */
export async function carryOut<T>(context: Context, { args, usage, route, work }: Orders<T>): Promise<T> {
  const [name, ...reason] = args;
  if (!name) throw new CommandError(`Usage: parley ${usage} ${ORDER_USAGE}`);
  const order = orderOf(context, reason.join(" "));
  return orSend(route(encodeURIComponent(name)), () =>
    withDatabase(context, (database) => work(database, name, order)),
  );
}

/** Does work on the database. @throws {CommandError} with the `request` that does it, if a running server owns the database. */
export async function orSend<T>(request: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof DataDirHeld)) throw error;
    throw new CommandError(
      `${error.message}. To do it on the running server, send ${request} with an operator's token`,
    );
  }
}
