import type { Budgets } from "../../budgets.ts";
import type { Clock } from "../../clock.ts";
import type { Identity } from "../../identity.ts";
import type { Position } from "../../protocol/frames.ts";
import type { Turns } from "../../limits/turns.ts";
import type { Access } from "../access/access.ts";
import type { Delivery } from "../delivery/delivery.ts";
import type { Presence } from "../ephemeral/presence.ts";
import type { Members } from "../room/members.ts";
import type { Socket } from "../ports.ts";
import type { Places } from "../../limits/places.ts";
import type { Rooms } from "../room/rooms.ts";
import type { Watching } from "./watching.ts";
import type { Hub } from "./hub.ts";

/** What makes up one connection. */
export interface ConnectionOptions {
  readonly socket: Socket;
  readonly identity: Identity;
  /** The network address that the socket comes from. */
  readonly address?: string;
  /** The room of the socket's URL, which is joined at once. */
  readonly room?: string;
  readonly since?: Position;
}

/** What all connections of a process share. */
export interface ConnectionParts {
  readonly access: Pick<Access, "enter" | "enterNow" | "reenter" | "narrow" | "renew" | "after" | "mayList">;
  readonly rooms: Pick<Rooms, "open" | "close" | "counter" | "released">;
  readonly members: Pick<Members, "join">;
  readonly presence: Pick<Presence, "enter" | "leave" | "online" | "people" | "tellings">;
  readonly delivery: Pick<Delivery, "began" | "ended">;
  readonly hub: Pick<Hub, "add" | "remove">;
  readonly watching: Pick<Watching, "add" | "remove" | "resend">;
  readonly turns: Turns;
  readonly reads: Pick<Places, "run">;
  readonly budgets: Budgets;
  readonly clock: Clock;
  readonly roomsPerSocket: number;
  /** Counts a socket that starts (+1) or stops (-1) lagging. */
  lagging(change: 1 | -1): void;
  /** Reports an unexpected error. */
  faulted(error: unknown): void;
}

/** One socket's life, for the transport that owns the socket. */
export interface Connection {
  /** Greets, and joins the room of the URL. */
  open(): void;
  /**
   * Takes a frame. Frames that arrive before the room of the URL is joined wait for that. Undefined: a ping or pong of
   * WebSocket, which the transport has responded to.
   */
  receive(frame: string | Uint8Array | undefined): void;
  /** The socket's buffer has drained, at least in part. */
  drained(): void;
  /** The socket is gone. */
  ended(): void;
}
