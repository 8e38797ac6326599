/** A room that someone watches. */
export interface WatchedRoom {
  readonly roomId: number;
  readonly room: string;
  /** The id of its newest message that is no notice. */
  readonly post: number;
  /** A hash of its title. */
  readonly title: number;
}

/** A membership that changed. */
export interface MembershipChange extends WatchedRoom {
  /** Rises with every change of any membership. Those of transactions that take long show up late. */
  readonly stamp: number;
  readonly userId: number;
  /** Whether the person may be in the room now. */
  readonly isIn: boolean;
  /** Whether their becoming a member is the latest change. */
  readonly isNew: boolean;
}

/** The most rooms that one person watches: those with the newest messages. */
export const WATCHED_MAX = 1_000;

/** People whom new messages of a room mention. */
export interface MentionNews {
  readonly roomId: number;
  /** New messages have greater ids. */
  readonly after: number;
  /** Those who watch the room. */
  readonly userIds: readonly number[];
}

/** What the watching of rooms asks the database. All methods reject with a {@link Refusal} `unavailable` without one. */
export interface WatchStore {
  /** The rooms of people, at most {@link WATCHED_MAX} each. Keeps the input order. */
  roomsOf(userIds: readonly number[]): Promise<readonly (readonly WatchedRoom[])[]>;
  /** The present state of rooms. Those that were deleted are missing. */
  states(roomIds: readonly number[]): Promise<readonly WatchedRoom[]>;
  /** Memberships that changed after a stamp, by stamp, at most `limit`. */
  changes(after: number, limit: number): Promise<readonly MembershipChange[]>;
  /** Those of some rooms whose messages after an id mention anyone. */
  mentioning(rooms: readonly Omit<MentionNews, "userIds">[]): Promise<ReadonlySet<number>>;
  /** Unread mentions, at most 100, of those people whom new messages mention. */
  mentions(news: MentionNews): Promise<ReadonlyMap<number, number>>;
  /** The latest stamp. */
  stamp(): Promise<number>;
}
