import { unexpected } from "./errors.ts";
import { shape } from "./frames.ts";
import type { Person } from "./message.ts";
import type { Session } from "./session.ts";

/** A room in a list of rooms. */
export interface RoomSummary {
  readonly room: string;
  /** The newest message, or null if the room has none. */
  readonly last: LastMessage | null;
  /** The number of people in the room. */
  readonly online: number;
  /** The id up to which this person has read, or null if they are not a member. */
  readonly lastRead: number | null;
  /** Unread messages of other people. 100 means 100 or more. */
  readonly unread: number;
}

export interface LastMessage {
  readonly id: number;
  readonly username: string;
  readonly user: Person;
  /** Empty for a deleted message. */
  readonly content: string;
  readonly timestamp: string;
}

export interface RoomsQuery {
  /** Lists every room that this person may enter, not only their own. */
  readonly all?: boolean;
  /** Lists rooms whose names look like this one, if this person may enter them. */
  readonly like?: string;
  /** Where the page begins: `next` of the page before. */
  readonly after?: string | undefined;
  /** 1 to 200. Defaults to 50. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
}

/** A page of a list of rooms, sorted by name. */
export interface RoomsPage {
  /** With `all`, a page can be short or empty even if more pages follow. */
  readonly rooms: readonly RoomSummary[];
  /** The cursor of the next page. Absent on the last page. */
  readonly next?: string | undefined;
}

/** @throws {ChatError} @throws the reason of `signal`. */
export async function listRooms(
  session: Session,
  { all, like, after, limit = 50, signal }: RoomsQuery = {},
): Promise<RoomsPage> {
  // Neither a room's name nor a cursor has characters that would need escaping here.
  const query = `limit=${limit}${all ? "&all" : ""}${after ? `&after=${after}` : ""}${like ? `&like=${like}` : ""}`;
  const { body, headers } = await session.request("GET", `rooms/?${query}`, { signal });
  const [, next] = /after=([^&>]+)/.exec(headers.get("link") ?? "") ?? [];
  return { rooms: listIn(body).filter(isSummary) as unknown as RoomSummary[], next };
}

/** Returns a body that must be an array. @throws {ChatError} `bad_answer` if it is not. */
export function listIn(body: unknown): unknown[] {
  if (Array.isArray(body)) return body;
  throw unexpected();
}

const isSummary = shape("room last:last online:whole lastRead:mark unread:whole");
