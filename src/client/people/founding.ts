import { unexpected } from "../errors.ts";
import { shape } from "../frames.ts";
import type { History } from "../message.ts";
import type { Request } from "../session.ts";

/** A private room to create. */
export interface NewRoom {
  /** What people see instead of the name, which the server chooses. */
  readonly title?: string;
  readonly topic?: string;
  /** Its first members besides the person who creates it: ids, or `@` and a username. At most 100. */
  readonly people?: readonly string[];
  /** What new members see of the past. Defaults to `all`. */
  readonly history?: History;
  /** The UUID of the creation: the same one always creates the same room. Defaults to a random one. */
  readonly clientId?: string;
  readonly signal?: AbortSignal;
}

/** Ways into rooms, by requests that are repeated until their outcome is known. Each returns the room's name. */
export interface Founding {
  create(room: NewRoom): Promise<string>;
  direct(people: readonly string[], signal?: AbortSignal): Promise<string>;
  redeem(token: string, clientId?: string, signal?: AbortSignal): Promise<string>;
}

export function createFounding(repeat: Request, uuid: () => string): Founding {
  const send = async (method: string, path: string, body: object, signal: AbortSignal | undefined) => {
    const { body: reply } = await repeat(method, path, { body, signal });
    if (!isFounded(reply)) throw unexpected();
    return reply.room as string;
  };

  return {
    create({ signal, clientId = uuid(), ...room }) {
      return send("POST", "rooms/", { ...room, clientId: clientId.toLowerCase() }, signal);
    },
    direct: (people, signal) => send("PUT", "direct/", { people }, signal),
    redeem: (token, clientId = uuid(), signal) =>
      send("POST", "invitations/", { token, clientId: clientId.toLowerCase() }, signal),
  };
}

const isFounded = shape("room");
