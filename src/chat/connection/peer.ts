import type { Clock } from "../../clock.ts";
import type { Identity } from "../../identity.ts";
import type { CloseReason } from "../../protocol/codes.ts";
import type { Position } from "../../protocol/frames.ts";
import type { Access } from "../access/access.ts";
import type { Committer } from "../room/committer.ts";
import type { Format } from "../codecs/encode.ts";
import type { History } from "../room/history.ts";
import type { Hub } from "./hub.ts";
import type { Marks } from "./marks.ts";
import type { Members } from "../../store/members.ts";
import type { Pace } from "../access/pace.ts";
import type { Presence } from "../ephemeral/presence.ts";
import type { Rooms } from "../room/rooms.ts";
import type { Turns } from "../../turns.ts";
import type { Typing } from "../ephemeral/typing.ts";

/** What every connection shares. */
export interface Shared {
  readonly access: Access;
  readonly committer: Committer;
  readonly rooms: Rooms;
  readonly members: Members;
  readonly marks: Marks;
  readonly presence: Presence;
  readonly typing: Typing;
  readonly history: History;
  readonly hub: Hub;
  readonly pace: Pace;
  readonly turns: Turns;
  readonly clock: Clock;
  readonly limits: { readonly messageChars: number; readonly roomsPerSocket: number };
  /** The person behind a token. @throws {Refusal} token_invalid, token_expired and so on. */
  authenticate(token: string): Promise<Identity>;
  /** A feed became live (+1) or stopped to be (-1). */
  counted(room: string, format: Format, change: 1 | -1): void;
  lagging(change: 1 | -1): void;
  /** Something of ours went wrong. */
  faulted(error: unknown): void;
}

export type Task = () => Promise<void> | undefined;

/** What a protocol and its commands use of a connection. */
export interface Session {
  readonly shared: Shared;
  readonly identity: Identity;
  readonly room: string | undefined;
  send(frame: string): void;
  /** Settles when the socket has drained: before a large frame is sent. */
  writable(): Promise<void> | undefined;
  close(reason: CloseReason): void;
  /** Counts a command whose answer is still to come (+1), and its answer (-1). Beyond a bound the socket is not read. */
  owe(change: 1 | -1): void;
  /** Runs `task` after those before it, so that commands of one socket are taken in their order. */
  inTurn(task: Task): void;
  /**
   * Joins a room, or joins it anew. `accepted` is called in the tick in which the room's first frame is sent.
   * @throws {Refusal} forbidden, too_many_rooms, unavailable.
   */
  join(room: string, since: Position | undefined, accepted: () => void): Promise<void>;
  leave(room: string): void;
  joined(room: string): boolean;
  /** Tells the person's other sockets in a room how far they have read. */
  marked(room: string, id: number): void;
  /** Goes on with a newer token, of the same person: anyone else's ends the socket. */
  renew(identity: Identity): void;
}

/** A protocol: how frames are read, and how a refusal that answers no frame is told. */
export interface Protocol {
  greet(): void;
  receive(frame: string | Uint8Array): void;
  closing(reason: CloseReason, retryAfterMs: number): void;
  /** The token expires soon. */
  expiring(at: number): void;
  /** The room was left, and not by the client. */
  left(room: string, reason: CloseReason): void;
}
