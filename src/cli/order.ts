import type { Database } from "../db/database.ts";
import { DataDirHeld } from "../db/owner.ts";
import type { Order } from "../order.ts";
import { CommandError, type Context } from "./command.ts";
import { withDatabase } from "./database.ts";

/** What follows an operator's command: the person it is about, and why, for the audit. */
export const ORDER_USAGE = "<email|username> [reason]";

interface Orders<T> {
  /** The person, and the words of the reason. */
  readonly args: readonly string[];
  readonly usage: string;
  /** What asks a running server for the same. */
  route(name: string): string;
  work(database: Database, name: string, order: Order): Promise<T>;
}

/** Carries out an order about a person. @throws {CommandError} where a running server has the database: it is to be asked. */
export async function carryOut<T>(context: Context, { args, usage, route, work }: Orders<T>): Promise<T> {
  const [name, ...reason] = args;
  if (!name) throw new CommandError(`Usage: parley ${usage} ${ORDER_USAGE}`);
  const order: Order = { via: "cli", reason: reason.join(" ") };
  try {
    return await withDatabase(context, (database) => work(database, name, order));
  } catch (error) {
    if (!(error instanceof DataDirHeld)) throw error;
    const asked = route(encodeURIComponent(name));
    throw new CommandError(
      `${error.message}. The server does it while it runs: ${asked} with its ADMIN_TOKEN`,
    );
  }
}
