// Long because every kind of change is here.

import { invalid, Refusal } from "../errors.ts";
import { type Identity, SYSTEM_ID } from "../identity.ts";
import type { Message, Threaded } from "../message.ts";
import type { Order } from "../order.ts";
import type { Person } from "../person.ts";
import type { ErrorCode } from "../protocol/codes.ts";
import type { FieldErrors } from "../protocol/fields.ts";
import type { History, MemberSetting, Role, RoomKind } from "../protocol/membership.ts";

/** What a client sets on a new message. */
export interface Draft {
  readonly kind: "post";
  readonly clientId: string;
  readonly content: string;
  /** See {@link Message.data}. */
  readonly data: string | null;
  readonly replyTo: number | null;
  /** A reply in a thread names any message of it; the commit finds the first one. */
  readonly thread?: Threaded | null | undefined;
  /** Files of its sender that nobody has sent yet. */
  readonly files?: readonly Attachment[] | null | undefined;
  /** Whom it mentions: `<id>` or `@<username>`. */
  readonly mentions?: readonly string[] | null | undefined;
  /** Whether it mentions everyone in the room. */
  readonly everyone?: boolean | undefined;
}

/** What a transport reads of a new message. */
type Drafted = Omit<Draft, "kind" | "thread"> & {
  readonly thread: number | null;
  readonly alsoRoom: boolean;
};

/** @throws {Refusal} invalid if it is to be part of the main conversation too, and is in no thread. */
export function draftOf({ thread, alsoRoom, ...draft }: Drafted): Draft {
  if (alsoRoom && thread === null) throw invalid({ alsoRoom: ["needs a thread"] });
  return { ...draft, kind: "post", thread: thread === null ? null : { root: thread, alsoRoom } };
}

/** A file that belongs to a new message. */
export interface Attachment {
  readonly id: string;
  readonly alt?: string | undefined;
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
      /** Undefined: the message keeps its mentions. Null or an empty list: it mentions nobody by name any more. */
      readonly mentions?: readonly string[] | null | undefined;
      /** Undefined: as before. */
      readonly everyone?: boolean | undefined;
    }
  | {
      readonly kind: "delete";
      readonly clientId: string;
      readonly id: number;
      /** Only if it is the sender's own message. */
      readonly own?: boolean | undefined;
      /** Who deletes it and from where, which the audit records if it is someone else's message. */
      readonly order?: Order | undefined;
    }
  | {
      readonly kind: "react";
      readonly clientId: string;
      readonly id: number;
      readonly emoji: string;
      readonly on: boolean;
    };

/** A change of who may do what in a room. `out` about oneself is leaving. */
export interface Appointment {
  readonly kind: "member";
  readonly clientId: string;
  readonly set: MemberSetting;
  /** Whom it is about, each once. */
  readonly users: readonly number[];
  /** With `role`, or with `in` for new members. */
  readonly role?: Role | undefined;
  /** With `muted`: when that ends, in ISO 8601; undefined: when someone ends it. */
  readonly until?: string | undefined;
  /** With `out` about oneself: the member who becomes an owner. */
  readonly heir?: number | undefined;
  /** Refuse it as `outdated` unless the membership of its one person has this version. */
  readonly ifVersion?: number | undefined;
  /** With `in` about oneself: the hash of an invitation's token. */
  readonly link?: string | undefined;
}

/** What can be set about a room. */
export interface RoomSettings {
  readonly title?: string | undefined;
  readonly topic?: string | undefined;
  readonly history?: History | undefined;
  readonly membersAdd?: boolean | undefined;
  readonly receipts?: boolean | undefined;
  readonly archived?: boolean | undefined;
  /** For operators. */
  readonly kind?: Exclude<RoomKind, "direct"> | undefined;
  /** For operators. */
  readonly deleted?: boolean | undefined;
}

/** A change of a room itself, or its creation. */
export interface Reform {
  readonly kind: "room";
  readonly clientId: string;
  readonly set: RoomSettings;
  readonly create?: Creation | undefined;
}

/** A message is pinned in its room, or no longer. */
export interface Pinning {
  readonly kind: "pin";
  readonly clientId: string;
  readonly message: number;
  readonly on: boolean;
}

export interface Creation {
  readonly kind: RoomKind;
  /** Its first members. The people of a direct room, with the creator; elsewhere the creator is an owner anyway. */
  readonly people: readonly number[];
  /** For operators: those of `people` who are owners. */
  readonly owners?: readonly number[] | undefined;
}

/** A change as a transport reads it. The room and the sender come from a pass. */
export type Submission = Draft | Revision;
/** The same for changes of a room, its members and its pins. */
export type Decree = Appointment | Reform | Pinning;

/** A fence that no room has: such a change is decided with its room locked. */
export const NO_FENCE = -1;

/** Where a change happens and who sends it. */
interface Signed {
  readonly room: string;
  readonly senderId: number;
  readonly username: string;
  /** The room's fence when it was found out what its sender may do, or {@link NO_FENCE}. */
  readonly fence: number;
  /** The sender's own object, which all their changes share. */
  readonly user: Person;
  /** The id of the key that sent it in their name, which is kept with what it changes. */
  readonly apiKey?: number | undefined;
}

interface Addressed {
  /** The user ids of those whom its mentions name. Whoever is missing is not known here. */
  readonly mentioned?: ReadonlyMap<string, number> | undefined;
}

export type Post = Draft & Signed & Addressed;
export type Amendment = Revision & Signed & Addressed;
/** A person's change of members or of the room, or an operator's, who needs no rights. The audit records those with an order. */
export type Ruling = Decree & Omit<Signed, "fence"> & { readonly order: Order | null };

export { SYSTEM_ID };
/** The server itself, as a sender. */
export const SYSTEM = {
  userId: SYSTEM_ID,
  username: "parley",
  user: { id: "u_system", name: undefined } as Person,
};

/**
 * An operator's deletion of anyone's message, or of one person's reactions to a message. It is idempotent by itself, so
 * nothing but the audit remembers it.
 */
export interface Removal {
  readonly kind: "remove";
  readonly room: string;
  readonly clientId: string;
  readonly id: number;
  readonly order: Order;
  /** Only the reactions of this person are removed, and the message stays. */
  readonly reactionsOf?: number | undefined;
}

/**
 * A change to a room. `(senderId, room, clientId)` identifies it, however often it is sent. Posts and amendments have
 * separate key spaces. A ruling shares those of both.
 */
export type Change = Post | Amendment | Ruling | Removal;

const RULINGS: readonly Change["kind"][] = ["member", "room", "pin"] satisfies Ruling["kind"][];
export const isRuling = (change: Change): change is Ruling => RULINGS.includes(change.kind);

/** The result of a committed change. */
export interface Ack {
  /** The id of the message or the notice; 0: a ruling changed nothing. */
  readonly id: number;
  /** The version of the change; if it changed nothing, the version of the message or, for a ruling, of the room. */
  readonly version: number;
  readonly timestamp: string;
  /** The change had been committed before. */
  readonly duplicate: boolean;
  /** The mentions, as they were sent, of people who may not read the message. They got no mention. Absent if there are none. */
  readonly unreached?: readonly string[] | undefined;
  /** The text that was committed, if the operator's hook changed it. Absent in the ack of a repeat. */
  readonly content?: string | undefined;
}

/** An ack with the new state of the message (null if nothing changed just now), or the reason for a refusal. */
export type Outcome = { readonly ack: Ack; readonly state: Message | null } | Refused;

export interface Refused {
  readonly refused: ErrorCode;
  /** What is wrong with each field, if `invalid` says so. */
  readonly errors?: FieldErrors | undefined;
  /** How long it lasts, in milliseconds, if `muted` does not last until someone ends it. */
  readonly retryAfterMs?: number | undefined;
}

export function refusalOf({ refused, errors, retryAfterMs }: Refused): Refusal {
  if (errors) return invalid(errors);
  return new Refusal(refused, retryAfterMs === undefined ? {} : { retryAfterMs });
}

/** Completes a submission with its room and sender, and with the fence at which its sender's rights were found. */
export function sign(
  submission: Submission,
  room: string,
  { userId, username, user, key }: Pick<Identity, "userId" | "username" | "user" | "key">,
  fence = 0,
  mentioned?: ReadonlyMap<string, number>,
): Post | Amendment {
  if (submission.kind !== "post")
    return { ...submission, room, senderId: userId, username, user, apiKey: key?.id, fence, mentioned };
  // Written out: nearly all changes are posts, and copying an object of unknown shape costs as much as parsing one.
  const { kind, clientId, content, data, replyTo, thread, files, mentions, everyone } = submission;
  return {
    kind,
    room,
    senderId: userId,
    username,
    user,
    apiKey: key?.id,
    clientId,
    content,
    data,
    replyTo,
    thread,
    files,
    mentions,
    everyone,
    fence,
    mentioned,
  };
}

/** Completes a person's change of a room or its members. The audit records it if an order is given. */
export const rule = (
  decree: Decree,
  room: string,
  { userId, username, user, key }: Pick<Identity, "userId" | "username" | "user" | "key">,
  order: Order | null = null,
): Ruling => ({ ...decree, room, senderId: userId, username, user, apiKey: key?.id, order });

/** Completes an operator's change of a room or its members. */
export const ordain = (decree: Decree, room: string, order: Order): Ruling => ({
  ...decree,
  room,
  senderId: SYSTEM_ID,
  username: "",
  user: SYSTEM.user,
  order,
});

/** The message of a post that took version `id`. `files`: see {@link Message.files}. */
export const posted = (post: Post, id: number, at: string, files: string | null = null): Message => ({
  id,
  version: id,
  username: post.username,
  user: post.user,
  clientId: post.clientId,
  content: post.content,
  data: post.data,
  replyTo: post.replyTo,
  thread: post.thread ?? null,
  files,
  mentions: null,
  timestamp: at,
  editedAt: null,
  deletedAt: null,
  reactions: [],
  notice: null,
});

/** The fields that identify a change. */
export interface Key {
  readonly kind: Change["kind"];
  readonly room: string;
  /** Absent for an operator's removal. */
  readonly senderId?: number;
  readonly clientId: string;
}

/** What identifies a ruling besides its kind: whom it is about, and what it sets. Empty for other changes. */
export function targetOf(change: Change): string {
  if (change.kind === "pin") return `${change.on ? "pin" : "unpin"} ${change.message}`;
  if (change.kind === "member") return `${change.set} ${change.role ?? ""} ${change.users.toSorted().join()}`;
  if (change.kind !== "room") return "";
  const set = Object.entries(change.set).flatMap(([name, value]) => (value === undefined ? [] : name));
  return [...(change.create ? [`create ${change.create.kind}`] : []), ...set.sort()].join();
}

/** The message that a change is about; null: none that exists. */
export const subjectOf = (change: Change): number | null =>
  "id" in change ? change.id : change.kind === "pin" ? change.message : null;

export const changeKey = ({ kind, room, senderId, clientId }: Key) =>
  `${kind === "post" ? "p" : "a"} ${senderId ?? "operator"} ${clientId} ${room}`;
