import type { RoomState } from "../../client/index.ts";
import type { Stretch } from "./past.ts";
import type { Reading } from "./reading.ts";
import { indexOf } from "./span.ts";

/** What the page says about new messages. */
export interface News {
  /** The message below the line "New". */
  readonly line: number | undefined;
  /** The number of unread messages above the screen. */
  readonly above: number;
  /** The number of messages since the reader was at the end, or of unread ones, if the first is below the screen. */
  readonly below: number;
  /** The first of them, unless it is on the screen. */
  readonly next: number | undefined;
}

interface Screen {
  readonly reading: Reading;
  readonly stretch: Stretch;
  readonly state: RoomState;
  /** The newest message that was shown while the reader was at the end; 0 if they never were. */
  readonly atEndTo: number;
  /** The first and the last message on the screen. */
  readonly top: number;
  readonly bottom: number;
}

/** `isKnown`: the room's read mark is known. */
export function newsOf({ reading, stretch, state, atEndTo, top, bottom }: Screen, isKnown: boolean): News {
  const { messages, unread } = state;
  const some = isKnown && unread > 0;
  const since = atEndTo === 0 ? messages.length : indexOf(messages, atEndTo + 1);
  const later = messages[since]?.id ?? 0;
  const first = (some && reading.first(stretch)?.id) || 0;
  const isUnreadBelow = later <= bottom && first > bottom;
  return {
    line: reading.line,
    above: some ? reading.before(top, state, stretch) : 0,
    below: isUnreadBelow ? reading.before(Infinity, state, stretch) : messages.length - since,
    next: later > bottom ? later : isUnreadBelow ? first : undefined,
  };
}
