import type { Named } from "../person.ts";
import type { RoomRange } from "./lists.ts";

/** A message that someone saved, in its present state, without reactions. */
export interface Saved extends Named {
  readonly room: string;
  readonly id: number;
  readonly version: number;
  readonly clientId: string;
  readonly content: string;
  /** JSON. */
  readonly data: string | null;
  /** JSON. */
  readonly files: string | null;
  readonly replyTo: number | null;
  readonly timestamp: string;
  readonly editedAt: string | null;
  readonly savedAt: string;
  /** Its place in the person's list: what was saved later has a greater one. */
  readonly place: number;
}

/** Which of someone's saved messages to list. */
export interface SavedRange extends Pick<RoomRange, "patterns" | "limit"> {
  /** The place of the last one of the page before. */
  readonly before: number;
  /** Nobody enters an open room without being a member. */
  readonly membersOnly: boolean;
}

export interface SavedRows {
  readonly saved: readonly Saved[];
  readonly more: boolean;
}

interface Seat {
  readonly userId: number;
  readonly room: string;
}

/** Messages on a page of the list. */
export const SAVED_PAGE_MAX = 100;

/** What people save for themselves. All methods reject with a {@link Refusal} `unavailable` if the database does not respond. */
export interface SavedStore {
  /**
   * Saves a message from `from` on, if it is there. Returns the room's fence in the same snapshot. `full`: the person has saved
   * as many as they may.
   */
  save(
    seat: Seat,
    message: { readonly id: number; readonly from: number },
  ): Promise<{ readonly fence: number; readonly result: "saved" | "missing" | "full" }>;
  /** Takes a message out of someone's list, whether it is there or not. */
  unsave(seat: Seat, id: number): Promise<void>;
  /** The messages of a list that its person may see now, the latest saved first, bounded in bytes. */
  list(userId: number, range: SavedRange): Promise<SavedRows>;
  /** The ids of the messages that someone has saved in one room. */
  idsIn(seat: Seat): Promise<readonly number[]>;
}
