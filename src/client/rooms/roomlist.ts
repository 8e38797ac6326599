import { unexpected } from "../errors.ts";
import { shape } from "../frames.ts";
import type { History, Person, User } from "../message.ts";
import { type Page, readPage } from "../page.ts";
import type { Session } from "../session.ts";

/** A room in a list of rooms. */
export interface RoomSummary {
  readonly room: string;
  readonly kind: "open" | "private" | "direct";
  /** What people see instead of the name. Empty if it has none. */
  readonly title: string;
  readonly topic: string;
  /** Whether nobody can post in it any more. */
  readonly archived: boolean;
  /** What new members see of the past. */
  readonly history: History;
  /** Whether every member may add people. */
  readonly membersAdd: boolean;
  /** Whether members see how far the others have read. */
  readonly receipts: boolean;
  readonly version: number;
  /** The people of a direct room, others first, at most 8. */
  readonly people?: readonly User[];
  /** The newest message, or null if the room has none. */
  readonly last: LastMessage | null;
  /** The number of people in the room. */
  readonly online: number;
  /** The time of the newest message. */
  readonly lastActivity: string | null;
  /** Null if this person is not a member. */
  readonly role: "owner" | "moderator" | "member" | null;
  /** Since when this person is a member, or null. */
  readonly joinedAt: string | null;
  /** The id up to which this person has read, or null if they are not a member. */
  readonly lastRead: number | null;
  /** Unread messages of other people. 100 means 100 or more. */
  readonly unread: number;
  /** Threads with unread replies, among the 20 newest that this person follows in it. */
  readonly threads: number;
  /** Unread messages that mention this person. 100 means 100 or more. */
  readonly mentions: number;
  /** What this person wants to be notified about; null: what suits the kind of the room. */
  readonly notify: "all" | "mentions" | "none" | null;
  /** Hidden from the list by activity until there is a newer message. */
  readonly hidden: boolean;
  readonly pinned: boolean;
}

export interface LastMessage {
  readonly id: number;
  readonly username: string;
  readonly user: Person;
  /** Empty for a deleted message. */
  readonly content: string;
  readonly timestamp: string;
  /** How many files it has, if any. */
  readonly files?: number | undefined;
}

export interface RoomsQuery {
  /** Lists every room that this person may enter, not only their own. */
  readonly all?: boolean;
  /** Lists rooms whose names look like this one, if this person may enter them. */
  readonly like?: string;
  /** `activity`: this person's rooms, pinned ones first, newest message first. Defaults to `name`. */
  readonly order?: "name" | "activity";
  /** With the order by activity: hidden rooms too. */
  readonly hidden?: boolean;
  /** Where the page begins: `next` of the page before. */
  readonly after?: string | undefined;
  /** 1 to 200. Defaults to 50. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
}

/** With `all`, a page can be short or empty even if more pages follow. @throws {ChatError} @throws the reason of `signal`. */
export const listRooms = (
  session: Session,
  { all, after, order, hidden, ...query }: RoomsQuery = {},
): Promise<Page<RoomSummary>> =>
  readPage<RoomSummary>(session, "rooms/", isSummary, {
    limit: 50,
    ...query,
    [order === "activity" ? "before" : "after"]: after,
    order,
    all: all && "",
    hidden: hidden && "",
  });

/** Reads one room. @throws {ChatError} */
export async function roomIn(session: Session, room: string): Promise<RoomSummary> {
  const { body } = await session.request("GET", `rooms/${encodeURIComponent(room)}/`);
  if (isSummary(body)) return body as unknown as RoomSummary;
  throw unexpected();
}

const isLast = shape("id:id username user:person content timestamp files?:whole");
const isMark = shape("lastRead:whole");
const isListed = shape(
  "room kind title topic archived:flag version:whole online:whole unread:whole hidden:flag pinned:flag",
);
const isSummary = (value: unknown): value is Readonly<Record<string, unknown>> =>
  isListed(value) &&
  (value.last === null || isLast(value.last)) &&
  (value.lastRead === null || isMark(value));
