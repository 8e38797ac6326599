import type { ConnectionState } from "./connection.ts";
import type { ChatError } from "./errors.ts";
import type { User } from "./message.ts";
import type { Account } from "./session.ts";

/** The state of a chat. */
export interface ChatState {
  readonly connection: ConnectionState;
  /** The signed-in account. Undefined if nobody is signed in, or if `tokens` is in use. */
  readonly account: Account | undefined;
  /** The person of the connection, as the server knows them: `me.id` tells one's own messages. It outlasts a cut. */
  readonly me: User | undefined;
}

export interface ChatEvents {
  readonly connection: ConnectionState;
  /** Someone signed in or out. `error` is set if the server ended the session. */
  readonly session: { readonly account: Account | undefined; readonly error: ChatError | undefined };
  /** The server sent an invalid frame, or a token could not be renewed ahead of time. */
  readonly problem: ChatError;
}
