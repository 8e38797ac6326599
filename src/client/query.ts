import { abortable } from "./abort.ts";
import type { Connection, Fields } from "./connection.ts";
import { ChatError } from "./errors.ts";
import type { Steady } from "./steady.ts";

/**
 * Sends a command that changes nothing, and so can simply be sent again until the server replies.
 * @throws {ChatError} the server's refusal. @throws the reason of `signal`.
 */
export type Query = (command: Fields, signal?: AbortSignal) => Promise<Fields>;

export const createQuery =
  (steady: Steady, connection: Pick<Connection, "ask">): Query =>
  (command, given) =>
    steady.run((signal) => {
      const reply = new Promise<Fields>((resolve, reject) =>
        connection.ask(command, (found) => (found instanceof ChatError ? reject(found) : resolve(found))),
      );
      return abortable(reply, signal);
    }, given);
