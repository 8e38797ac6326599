import { createFacts, type Move, moveIn } from "./facts.ts";
import { createList, type List } from "./list.ts";
import { createMarks, type MarkMove } from "./marks.ts";
import type { JoinedFrame, MessageFrame, NoticeFrame, RoomFrame } from "./message.ts";
import type { Clock } from "./ports.ts";
import { createPresence } from "./presence.ts";
import type { RollInside } from "./people/roll.ts";

interface Options {
  /** How many entries the list keeps. */
  readonly keep: number;
  readonly clock: Clock;
  /** The id of the signed-in person. */
  readonly me: () => string | undefined;
  /** Ids of people whom the person blocks. */
  readonly blocked: () => readonly string[];
  /** Lists that follow the notices. */
  readonly rolls: readonly Pick<RollInside, "notice" | "missed">[];
  /** Called when someone stops typing. */
  changed(): void;
}

/** What the client knows about a room: its entries, what it is, who is there, and what is unread. */
export function createContent({ keep, clock, me, blocked, rolls, changed }: Options) {
  const list = createList(keep);
  const presence = createPresence(clock, changed);
  const marks = createMarks(list, me);
  const facts = createFacts(me);

  /** The room's version when it was joined. */
  let joinedAt = 0;

  const message = (frame: MessageFrame): Taken => {
    const what = list.take(frame);
    if (what !== "applied") return what;
    presence.quiet(frame.username);
    marks.message(frame);
    return "applied";
  };

  const notice = (frame: NoticeFrame): Taken => {
    const move: Move = moveIn(frame, me());
    // What takes the person out is sent at once, perhaps before the versions that precede it.
    if (frame.replay && move === "out") list.last(frame);
    else {
      const what = list.take(frame);
      if (what !== "applied") return what;
    }
    facts.notice(frame);
    for (const roll of rolls) roll.notice(frame);
    // Nobody sees what was before a room was deleted.
    if (frame.notice.type === "deleted") list.begin(frame.id);
    // Someone who is removed and added again before their socket leaves may see more or less than at the join.
    return move === "in" && frame.version > joinedAt ? "moved" : "applied";
  };

  return {
    list,
    state: () => ({
      ...facts.state(),
      from: list.floor,
      messages: list.messages,
      entries: list.entries,
      more: list.more,
      folded: facts.state().kind === "direct" ? NOBODY : blocked(),
      ...presence.state(),
      ...marks.state(),
    }),
    /** Returns false if the list had to be dropped. */
    joined(frame: JoinedFrame, waiting: readonly MarkMove[]): boolean {
      const resumed = list.joined(frame);
      joinedAt = frame.version;
      if (!resumed) for (const roll of rolls) roll.missed();
      facts.joined(frame);
      presence.joined(frame);
      // The ids of changes that wait are of the room's earlier epoch if it was not resumed.
      marks.joined(frame, resumed ? waiting : []);
      return resumed;
    },
    entry: (frame: MessageFrame | NoticeFrame): Taken =>
      frame.type === "notice" ? notice(frame) : message(frame),
    /** Takes in any other frame. */
    take(frame: Exclude<RoomFrame, JoinedFrame | MessageFrame | NoticeFrame>): void {
      if (frame.type === "synced") list.synced(frame.version);
      if (frame.type === "thread") list.thread(frame);
      if (frame.type === "presence") presence.update(frame);
      if (frame.type === "typing" && frame.user.id !== me()) presence.typing(frame.username, frame.user);
      if (frame.type === "read") (frame.back ? marks.back : marks.read)(frame.id);
    },
    read: marks.read,
    back: marks.back,
    /** Forgets who is there. */
    away: presence.clear,
    drop() {
      list.drop();
      marks.drop();
      facts.drop();
    },
  };
}

/** What became of an entry. `moved`: it was applied, and the person has to join again to see what they may see now. */
type Taken = ReturnType<List["take"]> | "moved";

export const NOBODY: readonly string[] = [];
