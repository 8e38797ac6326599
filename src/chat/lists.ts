import type { Person, PersonShown } from "../person.ts";
import type { History, Notify, Role, RoomKind } from "../protocol/membership.ts";

/** The most people of a direct room that a list shows. */
export const PEOPLE_SHOWN = 8;

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
  readonly last: { id: number; username: string; user: Person; content: string; timestamp: string } | null;
  /** These three are null for anyone who is not a member. */
  readonly role: Role | null;
  readonly joinedAt: string | null;
  readonly lastRead: number | null;
  /** Messages of others after it, at most 100. */
  readonly unread: number;
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
  /** Messages of one person that are not deleted, in one room or (null) in all, at most `limit`. */
  messagesOf(
    sender: { readonly userId: number; readonly room: string | null },
    limit: number,
  ): Promise<readonly { readonly room: string; readonly id: number }[]>;
}
