import type { Replies } from "../message.ts";
import type { LastMessage, RoomRange } from "./lists.ts";

/** One person in one room. */
interface Seat {
  readonly userId: number;
  readonly room: string;
}

/** What someone keeps about a thread. */
export interface ThreadSeat {
  readonly following: boolean;
  /** The id of the last reply that they have read. */
  readonly lastRead: number;
}

/** A thread, by its room and its first message. */
export interface ThreadKey {
  readonly room: string;
  readonly root: number;
}

/** What someone wants to change about a thread. What is undefined stays as it is. */
export interface ThreadWish {
  readonly following?: boolean | undefined;
  /** Everything up to this reply is read. The mark never moves back, nor past the room's end. */
  readonly readTo?: number | undefined;
}

/** A thread with replies that someone has not read, as lists show it. */
export interface ListedThread extends ThreadSeat {
  readonly room: string;
  readonly root: LastMessage;
  readonly replies: Replies;
  /** Replies of others after the mark, at most 100. */
  readonly unread: number;
}

/** Where a thread is in someone's list: its last reply. */
export interface ThreadPlace {
  /** In microseconds since 1970. */
  readonly at: number;
  readonly room: string;
  readonly root: number;
}

/** Which threads to list: those that someone follows, by their last reply, newest first. */
export interface ThreadRange extends Pick<RoomRange, "patterns" | "limit"> {
  /** The place of the thread before the first one; null for the first page. */
  readonly before: ThreadPlace | null;
  /** Also those without unread replies. */
  readonly all: boolean;
}

/** The summary of a thread in one snapshot, with the room's counter. Null: it has no replies that are not deleted. */
export interface ThreadNews extends ThreadKey {
  readonly counter: number;
  readonly replies: Replies | null;
}

/** All methods reject with a {@link Refusal} `unavailable` if the database does not respond. */
export interface ThreadStore {
  /** What someone keeps about a thread. */
  seat(seat: Seat, root: number): Promise<ThreadSeat>;
  /** Changes what someone keeps about a thread. Null: there is no such message, or it begins no thread. */
  change(seat: Seat, root: number, wish: ThreadWish): Promise<ThreadSeat | null>;
  /** The threads that someone follows, among the {@link FOLLOWED_LOOK} that they followed, read or replied in last. */
  list(
    userId: number,
    range: ThreadRange,
  ): Promise<{ readonly threads: readonly ListedThread[]; readonly next: ThreadPlace | undefined }>;
  /** Reads summaries of threads. Keeps the input order. */
  news(threads: readonly ThreadKey[]): Promise<readonly ThreadNews[]>;
}

/** The most followed threads that a list examines. */
export const FOLLOWED_LOOK = 500;
/** Threads on a page of a list. */
export const THREADS_MAX = 100;
