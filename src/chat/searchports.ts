import type { Message } from "../message.ts";
import type { Lookup } from "../search/terms.ts";

/** Where to search: in the rooms that someone is a member of, or in one that they may read. */
export interface SearchScope {
  readonly userId: number;
  /** One room. It may be an open one that the person is no member of, unless only members may enter. */
  readonly room?: string | undefined;
  /** Only rooms that match one of these patterns; null: all rooms. */
  readonly patterns: readonly string[] | null;
  readonly membersOnly: boolean;
}

/** A room to search. */
export interface Searched {
  readonly roomId: number;
  /** The first id that the person sees. */
  readonly first: number;
}

export interface SearchedRooms {
  readonly rooms: readonly Searched[];
  /** There are more rooms than are searched. */
  readonly more: boolean;
  /** Some of them have messages that have been waiting for the index for seconds. */
  readonly behind: boolean;
}

/** Messages of a room that stand together in the index, and the time of the newest of them in microseconds since 1970. */
export interface Block extends Searched {
  readonly block: number;
  readonly newest: number;
}

/**
 * A place in the order of results, which is newest first: a time in microseconds since 1970 and, of what was posted in that
 * moment, a message.
 */
export interface SearchPlace {
  readonly at: number;
  readonly room: string;
  readonly id: number;
}

/** Bounds of times, in microseconds since 1970: from `after` on, and before `before`. */
export interface Times {
  readonly after: number;
  readonly before: number;
}

export interface Hit {
  readonly room: string;
  /** Stays inside: it only decides about the order. */
  readonly roomId: number;
  readonly message: Message;
}

/** What one statement found in some blocks. */
export interface Hits {
  readonly hits: readonly (Hit & SearchPlace)[];
  /** Where to continue in the same blocks; undefined: there is nothing else in them. */
  readonly next: SearchPlace | undefined;
}

/** Looks up what the index knows. All methods reject with a {@link Refusal} `unavailable` if the database does not respond. */
export interface SearchStore {
  /** The rooms of a scope, those with the newest messages first. */
  rooms(scope: SearchScope): Promise<SearchedRooms>;
  /** Blocks with messages from this time, those with the newest first, at most `limit`. */
  blocks(rooms: readonly Searched[], times: Times, limit: number): Promise<readonly Block[]>;
  /**
   * Messages in some blocks that have all of these terms, newest first, at most `limit` and bounded in bytes. Reads whether
   * the person may see each of them in the same snapshot as the message.
   */
  hits(
    scope: SearchScope,
    blocks: readonly Block[],
    lookups: readonly Lookup[],
    range: Times & { readonly place: SearchPlace | undefined; readonly limit: number },
  ): Promise<Hits>;
}
