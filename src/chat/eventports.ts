import type { Message } from "../message.ts";

/** A place in the journal: everything before its row `seq`, and that row up to `version`, has been read. */
export interface Place {
  readonly seq: number;
  readonly version: number;
}

/** Where the journal begins. */
export const START: Place = { seq: 0, version: 0 };

/** Which events somebody gets. */
export interface EventScope {
  /** Only what this person may see, in rooms that they are a member of or, with `room`, in that one; null: everything. */
  readonly userId: number | null;
  readonly room?: string | undefined;
  /** The names of rooms match one pattern of each of these lists. */
  readonly patterns: readonly (readonly string[])[];
  /** Whether only members may enter open rooms. */
  readonly membersOnly: boolean;
}

/** A message or a notice in its latest state. */
export interface Event {
  readonly room: string;
  readonly message: Message;
  /** Where to continue after it. */
  readonly place: Place;
}

/** What follows a place, all of it from one snapshot. */
export interface JournalPage {
  readonly epoch: string;
  /** The journal's last row when the page was read. */
  readonly head: number;
  /** Each room's in the order of its versions. */
  readonly events: readonly Event[];
  /** Where the next page begins. A page without events may end at a later place than it began. */
  readonly end: Place;
  /** More of the journal follows. */
  readonly more: boolean;
}

/** Reads the journal. All methods reject with a Refusal `unavailable` if the database does not respond. */
export interface JournalStore {
  /** Reads what follows a place: so much as one statement may read. */
  read(scope: EventScope, after: Place): Promise<JournalPage>;
  /** Reads the end of the journal. */
  end(): Promise<{ readonly epoch: string; readonly place: Place }>;
}

/** A journal that this node writes and reads. */
export interface KeptJournal extends JournalStore {
  /** Somebody reads it. Resolves once it has what this node knows of, after a second at the latest. Never rejects. */
  wanted(): Promise<void>;
}
