import { type Identity, SYSTEM_ID } from "./identity.ts";

/** An operator's or a moderator's order, as the audit records it. */
export interface Order {
  /** By which means it came; `server`: it does so by itself. */
  readonly via: "cli" | "http" | "socket" | "server";
  /** Who gave it: the name of an operator's key, the shell's user, or a person. */
  readonly actor: string;
  /** From where: a network address or, for commands, the machine's name. */
  readonly address: string;
  /** Empty if none was given. */
  readonly reason: string;
}

/** Who acts, as the audit records it: a person, a key in the name of the server, or a key in the name of a person. */
export function actorOf({ userId, username, key }: Pick<Identity, "userId" | "username" | "key">): string {
  if (!key) return username;
  return userId === SYSTEM_ID ? key.name : `${key.name} as ${username}`;
}
