import type { Identity } from "../identity.ts";
import type { Message } from "../message.ts";
import type { Order } from "../order.ts";
import type { ErrorCode } from "../protocol/codes.ts";
import type { FieldErrors } from "../protocol/fields.ts";

/** What a client sets on a new message. */
export interface Draft {
  readonly kind: "post";
  readonly clientId: string;
  readonly content: string;
  /** See {@link Message.data}. */
  readonly data: string | null;
  readonly replyTo: number | null;
}

/** What a client wants to change about an existing message: its text, its existence, or a reaction to it. */
export type Revision =
  | {
      readonly kind: "edit";
      readonly clientId: string;
      readonly id: number;
      readonly content: string;
      /** Undefined: the message keeps its data. */
      readonly data?: string | null | undefined;
    }
  | { readonly kind: "delete"; readonly clientId: string; readonly id: number }
  | {
      readonly kind: "react";
      readonly clientId: string;
      readonly id: number;
      readonly emoji: string;
      readonly on: boolean;
    };

/** A change as a transport reads it. The room and the sender come from a pass. */
export type Submission = Draft | Revision;

/** Where a change happens and who sends it. */
interface Signed {
  readonly room: string;
  readonly senderId: number;
  readonly username: string;
}

export type Post = Draft & Signed;
export type Amendment = Revision & Signed;

/** An operator's deletion of anyone's message. It is idempotent by itself, so nothing but the audit remembers it. */
export interface Removal {
  readonly kind: "remove";
  readonly room: string;
  readonly clientId: string;
  readonly id: number;
  readonly order: Order;
}

/**
 * A change to a room. `(senderId, room, clientId)` identifies it, however often it is sent. Posts and amendments have
 * separate key spaces.
 */
export type Change = Post | Amendment | Removal;

/** The result of a committed change. */
export interface Ack {
  /** The message's id. */
  readonly id: number;
  /** The version of the change; if it changed nothing, the version of the message. */
  readonly version: number;
  readonly timestamp: string;
  /** The change had been committed before. */
  readonly duplicate: boolean;
}

/** An ack with the new state of the message (null if nothing changed just now), or the reason for a refusal. */
export type Outcome = { readonly ack: Ack; readonly state: Message | null } | Refused;

interface Refused {
  readonly refused: ErrorCode;
  /** What is wrong with each field, if `invalid` says so. */
  readonly errors?: FieldErrors;
}

/** Completes a submission with its room and sender. */
export function sign(submission: Submission, room: string, { userId, username }: Identity): Post | Amendment {
  if (submission.kind !== "post") return { ...submission, room, senderId: userId, username };
  // Written out: nearly all changes are posts, and copying an object of unknown shape costs as much as parsing one.
  const { kind, clientId, content, data, replyTo } = submission;
  return { kind, room, senderId: userId, username, clientId, content, data, replyTo };
}

/** The message of a post that took version `id`. */
export const posted = (post: Post, id: number, at: string): Message => ({
  id,
  version: id,
  username: post.username,
  clientId: post.clientId,
  content: post.content,
  data: post.data,
  replyTo: post.replyTo,
  timestamp: at,
  editedAt: null,
  deletedAt: null,
  reactions: [],
});

/** The fields that identify a change. */
export interface Key {
  readonly kind: Change["kind"];
  readonly room: string;
  /** Absent for an operator's removal. */
  readonly senderId?: number;
  readonly clientId: string;
}

export const changeKey = ({ kind, room, senderId, clientId }: Key) =>
  `${kind === "post" ? "p" : "a"} ${senderId ?? "operator"} ${clientId} ${room}`;
