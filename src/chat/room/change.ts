import type { Order } from "../../db/audit.ts";
import type { ErrorCode } from "../../protocol/codes.ts";
import type { Message } from "../../message.ts";

interface Base {
  readonly room: string;
  readonly senderId: number;
  readonly username: string;
  readonly clientId: string;
}

/** A new message. */
export interface Post extends Base {
  readonly kind: "post";
  readonly content: string;
  readonly replyTo: number | null;
}

/** The end of a message. With an `order` it is the operator's: allowed for anyone's message, and written down. */
interface Removal {
  readonly kind: "delete";
  readonly id: number;
  readonly order?: Order;
}

/** Who sends what the operator orders: users begin at 1. */
export const OPERATOR = { senderId: 0, username: "" } as const;

/** A change of a message that is there: another text, its end, a reaction given or taken back. */
export type Amendment =
  | (Base & { readonly kind: "edit"; readonly id: number; readonly content: string })
  | (Base & Removal)
  | (Base & { readonly kind: "react"; readonly id: number; readonly emoji: string; readonly on: boolean });

/**
 * What someone wants to happen in a room. `(senderId, room, clientId)` makes it one change, however often it is sent;
 * posts and amendments have a key space each.
 */
export type Change = Post | Amendment;

/** What a change is answered with once it is committed. */
export interface Ack {
  /** The message's. */
  readonly id: number;
  /** That of the change; where it changed nothing, that of the message. */
  readonly version: number;
  readonly timestamp: string;
  /** It had been committed before. */
  readonly duplicate: boolean;
}

/** What became of a change: an ack and, where it changed something just now, the message as it is since; or why not. */
export type Outcome = { readonly ack: Ack; readonly state: Message | null } | { readonly refused: ErrorCode };

/** What makes a change one change. */
export type Key = Pick<Change, "kind" | "room" | "senderId" | "clientId">;
export const changeKey = ({ kind, room, senderId, clientId }: Key) =>
  `${kind === "post" ? "p" : "a"} ${senderId} ${clientId} ${room}`;
