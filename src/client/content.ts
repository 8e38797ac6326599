import { createFacts, takesOut } from "./facts.ts";
import { createList } from "./list.ts";
import { createMarks } from "./marks.ts";
import type { JoinedFrame, MessageFrame, NoticeFrame, RoomFrame } from "./message.ts";
import type { Clock } from "./ports.ts";
import { createPresence } from "./presence.ts";

interface Options {
  /** How many entries the list keeps. */
  readonly keep: number;
  readonly clock: Clock;
  /** The id of the signed-in person. */
  readonly me: () => string | undefined;
  /** Called when someone stops typing. */
  changed(): void;
}

/** What the client knows about a room: its entries, what it is, who is there, and what is unread. */
export function createContent({ keep, clock, me, changed }: Options) {
  const list = createList(keep);
  const presence = createPresence(clock, changed);
  const marks = createMarks(list, me);
  const facts = createFacts(me);

  const entry = (frame: MessageFrame | NoticeFrame) => {
    // A removal is sent at once, perhaps before the versions that precede it.
    if (frame.type === "notice" && frame.replay && takesOut(frame, me())) list.last(frame);
    else {
      const what = list.take(frame);
      if (what !== "applied") return what;
    }
    if (frame.type === "notice") facts.notice(frame);
    else {
      presence.quiet(frame.username);
      marks.message(frame);
    }
    return "applied";
  };

  return {
    list,
    state: () => ({
      ...facts.state(),
      from: list.floor,
      messages: list.messages,
      entries: list.entries,
      more: list.more,
      ...presence.state(),
      ...marks.state(),
    }),
    /** Returns false if the list had to be dropped. */
    joined(frame: JoinedFrame): boolean {
      const resumed = list.joined(frame);
      facts.joined(frame);
      presence.joined(frame);
      marks.joined(frame, resumed);
      return resumed;
    },
    entry,
    /** Takes in any other frame. */
    take(frame: Exclude<RoomFrame, JoinedFrame | MessageFrame | NoticeFrame>): void {
      if (frame.type === "synced") list.synced(frame.version);
      if (frame.type === "presence") presence.update(frame);
      if (frame.type === "typing" && frame.user.id !== me()) presence.typing(frame.username, frame.user);
      if (frame.type === "read") marks.read(frame.id);
    },
    read: marks.read,
    /** Forgets who is there. */
    away: presence.clear,
    drop() {
      list.drop();
      marks.drop();
      facts.drop();
    },
  };
}
