import type { Message, Notice } from "../../message.ts";
import type { Membership, RoomFacts, SeatFacts } from "../rights.ts";

/** An invitation. */
export interface Link {
  readonly room: string;
  /** The room's version at which it was created. */
  readonly version: number;
  /** In milliseconds since 1970. */
  readonly expiresAt: number;
  /** How many more people may use it; null: any number. */
  readonly left: number | null;
  /** It was revoked, or whoever created it was removed or banned. */
  readonly revoked: boolean;
}

/** A message whose pin a batch sets or takes away. */
export interface PinChange {
  readonly room: string;
  readonly id: number;
  /** The version of the notice that pinned it; null: it is not pinned. */
  readonly version: number | null;
}

/** What a ruling does. */
export interface Verdict {
  /** People by their ids. */
  readonly notice: Omit<Notice, "users" | "heir" | "fence">;
  readonly users: readonly number[];
  readonly heir?: number | undefined;
  /** It takes a right from someone. */
  readonly takes: boolean;
  readonly room?: Partial<RoomFacts>;
  readonly seats?: ReadonlyMap<number, SeatFacts>;
  readonly redeemed?: string | undefined;
  /** Everyone is out of the room, and nothing is pinned there. */
  readonly emptied?: boolean;
  readonly pin?: PinChange;
}

/** A ruling and what it is decided by. */
export interface Case {
  /** The room, as the changes before have left it. */
  readonly room: RoomFacts;
  /** Nothing ever happened in its present life. */
  readonly fresh: boolean;
  /** The version that the change takes. */
  readonly next: number;
  /** In milliseconds since 1970. */
  readonly now: number;
  readonly byOperator: boolean;
  /** The sender's membership. */
  readonly sender: Membership;
  seatOf(userId: number): SeatFacts;
  /** Whether all of them exist. */
  exist(userIds: readonly number[]): boolean;
  blocks(userId: number, blockedId: number): boolean;
  link(hash: string): Link | undefined;
  /** The message with this id; undefined: there is none. */
  messageOf(id: number): Pick<Message, "notice" | "deletedAt"> | undefined;
  /** The ids of the pinned messages. */
  pins(): ReadonlySet<number>;
  owners(): ReadonlySet<number>;
  /** Whether anyone besides these is in the room. */
  isAnyoneBesides(userIds: ReadonlySet<number>): boolean;
}
