import type { Message } from "../message.ts";
import type { Person, PersonShown } from "../person.ts";
import type { History, Notify, Role, RoomKind } from "../protocol/membership.ts";

/** The most people of a direct room that a list shows. */
export const PEOPLE_SHOWN = 8;

/** A message as a list shows it. */
export interface LastMessage {
  readonly id: number;
  readonly username: string;
  readonly user: Person;
  readonly content: string;
  readonly timestamp: string;
  /** How many files it has. */
  readonly files?: number;
}

/** A room as a list shows it. */
export interface RoomSummary {
  readonly room: string;
  readonly kind: RoomKind;
  /** What people see instead of the name; "" if it has no title. */
  readonly title: string;
  readonly topic: string;
  readonly archived: boolean;
  /** What new members see of the past. */
  readonly history: History;
  /** Whether members who are neither owner nor moderator may add people. */
  readonly membersAdd: boolean;
  /** Whether members see each other's read marks. */
  readonly receipts: boolean;
  /** The version of the room's last change. */
  readonly version: number;
  /** The people of a direct room, others first, at most {@link PEOPLE_SHOWN}. */
  readonly people?: readonly PersonShown[];
  /** The newest message that is no notice and that the person may see, or null. A deleted one has no content. */
  readonly last: LastMessage | null;
  /** These three are null for anyone who is not a member. */
  readonly role: Role | null;
  readonly joinedAt: string | null;
  readonly lastRead: number | null;
  /** Messages of others after it, at most 100. */
  readonly unread: number;
  /** Threads with unread replies, among the 20 newest that the person follows in it. */
  readonly threads: number;
  /** Those of them that mention the person, by name or as part of everyone, at most 100. */
  readonly mentions: number;
  /** What the person wants to be notified about; null: what the room's kind suggests. */
  readonly notify: Notify | null;
  /** Whether the list by activity leaves it out, until there is a newer message. */
  readonly hidden: boolean;
  readonly pinned: boolean;
}

/** Which rooms to list, by name. */
export interface RoomRange {
  /** `mine`: rooms that the person is a member of. `all`: every room with a message. */
  readonly scope: "mine" | "all";
  /** Only rooms whose names look like this one. */
  readonly like?: string | undefined;
  /** Only rooms that match one of these patterns, in which `*` stands for any run of characters; null: all rooms. */
  readonly patterns: readonly string[] | null;
  /** The name before the first one; "" for the first page. */
  readonly after: string;
  readonly limit: number;
}

/** Where a room is in someone's list by activity. */
export interface Place {
  readonly pinned: boolean;
  /** In microseconds since 1970. */
  readonly at: number;
  readonly room: string;
}

/** Which of someone's rooms to list, by activity. */
export interface RecentRange extends Pick<RoomRange, "patterns" | "limit"> {
  /** The place of the room before the first one; null for the first page. */
  readonly before: Place | null;
  /** Whether to list hidden rooms too. */
  readonly hidden: boolean;
}

/** Rooms on a page of a list. */
export const ROOMS_MAX = 200;

/** The first rooms of a range, bounded in bytes, and whether there are more. */
export interface RoomRows {
  readonly rooms: readonly RoomSummary[];
  readonly more: boolean;
}

/** A member as a list of members shows them. */
export interface ListedMember extends PersonShown {
  readonly userId: number;
  readonly role: Role;
  /** Until when they cannot post; null: until someone ends it; absent if they can. */
  readonly mutedUntil?: string | null;
  readonly joinedAt: string;
  /** The id up to which they have read, in rooms whose members see each other's read marks. */
  readonly lastRead?: number;
  /** The version of the latest change of the membership; 0 if none has one. */
  readonly version: number;
}

/** Which members of a room to list, by user id. */
export interface MemberRange {
  /** The user id before the first one; 0 for the first page. */
  readonly after: number;
  readonly limit: number;
  /** Only people whose username or name begins like this, in any case. */
  readonly q?: string | undefined;
}

export interface MemberPage {
  readonly members: readonly ListedMember[];
  /** The user id to continue after; undefined on the last page. With `q` a page can be short or empty before that. */
  readonly next: number | undefined;
  /** The room's counter and fence in the same snapshot. */
  readonly version: number;
  readonly fence: number;
}

/** Members on a page of a list. */
export const MEMBERS_MAX = 200;

/** Someone who may not enter a room. */
export interface Ban {
  readonly user: PersonShown;
  /** Who banned them; null if that is not known. */
  readonly by: PersonShown | null;
  readonly since: string;
}

/** Which bans of a room to list, by user id. */
export type BanRange = Omit<MemberRange, "q">;

export interface BanPage {
  readonly bans: readonly Ban[];
  /** The user id to continue after; undefined on the last page. */
  readonly next: number | undefined;
  /** The room's fence in the same snapshot. */
  readonly fence: number;
}

/** What someone keeps about a room for themselves. What is undefined stays as it is. */
export interface Preferences {
  readonly notify?: Notify | null | undefined;
  readonly hidden?: boolean | undefined;
  readonly pinned?: boolean | undefined;
}

/** A message as the person who wrote it gets it: without what others did with it. */
export interface Written {
  readonly room: string;
  readonly id: number;
  readonly timestamp: string;
  readonly editedAt: string | null;
  readonly content: string;
  /** JSON. */
  readonly data: string | null;
  /** JSON. */
  readonly files: string | null;
  readonly replyTo: number | null;
  readonly thread: number | null;
  readonly clientId: string;
}

/** Messages on a page of what someone wrote. */
export const WRITTEN_MAX = 200;

/** Which of someone's messages to list. */
export interface WrittenRange extends Pick<RoomRange, "patterns" | "limit"> {
  /** The last message of the page before; null for the first page. */
  readonly after: Pick<Written, "room" | "clientId"> | null;
}

export interface WrittenRows {
  readonly messages: readonly Written[];
  readonly more: boolean;
}

/** A message that mentions someone. */
export interface InboxEntry {
  readonly room: string;
  readonly kind: RoomKind;
  /** The room's title; "" if it has none. */
  readonly title: string;
  /** Whether it is after the person's read mark. */
  readonly unread: boolean;
  readonly message: Message;
}

/** A place in the list of messages that mention someone. It says nothing about rooms. */
export interface InboxPlace {
  /** In microseconds since 1970. */
  readonly at: number;
  readonly key: string;
}

/** Which messages that mention someone to list, newest first. */
export interface InboxRange extends Pick<RoomRange, "patterns"> {
  /** The last place of the page before; null for the first page. */
  readonly before: InboxPlace | null;
  /** At most {@link INBOX_MAX}. */
  readonly limit: number;
  /** Only members may read open rooms. */
  readonly membersOnly: boolean;
}

/** Messages on a page of an inbox. */
export const INBOX_MAX = 100;

export interface InboxRows {
  readonly entries: readonly InboxEntry[];
  /** Where to continue; undefined on the last page. A page can be short or empty before that. */
  readonly next: InboxPlace | undefined;
}

/** All methods reject with a {@link Refusal} `unavailable` if the database does not respond. */
export interface ListStore {
  /** Rooms by name, at most {@link ROOMS_MAX}, without those that the person is banned from. */
  rooms(userId: number, range: RoomRange): Promise<RoomRows>;
  /**
   * The rooms that someone is a member of: pinned ones first, then by their newest message that the person sees, newest
   * first. `next` is the place of the last one, if more follow.
   */
  recent(
    userId: number,
    range: RecentRange,
  ): Promise<{ readonly rooms: readonly RoomSummary[]; readonly next: Place | undefined }>;
  /** One room; undefined if it does not exist, or if it is private and the person is no member. */
  room(seat: { readonly userId: number; readonly room: string }): Promise<RoomSummary | undefined>;
  /** A page of a room's members, at most {@link MEMBERS_MAX}. */
  members(room: string, range: MemberRange): Promise<MemberPage>;
  /** A page of a room's bans, at most {@link MEMBERS_MAX}. */
  bans(room: string, range: BanRange): Promise<BanPage>;
  /**
   * Changes what a member keeps about a room. Hiding a room unpins it, and pinning shows it. Resolves to false if the person
   * is no member.
   */
  prefer(
    seat: { readonly userId: number; readonly room: string },
    preferences: Preferences,
  ): Promise<boolean>;
  /**
   * What someone wrote and nobody deleted, also in rooms that they left: by room and clientId, at most {@link WRITTEN_MAX} and
   * bounded in bytes.
   */
  written(userId: number, range: WrittenRange): Promise<WrittenRows>;
  /** The messages that mention someone and that they may read now, without those of people whom they block, bounded in bytes. */
  inbox(userId: number, range: InboxRange): Promise<InboxRows>;
  /** Messages of one person that are not deleted, in one room or (null) in all, at most `limit`. */
  messagesOf(
    sender: { readonly userId: number; readonly room: string | null },
    limit: number,
  ): Promise<readonly { readonly room: string; readonly id: number }[]>;
}
