import type { List } from "./list.ts";
import type { JoinedFrame, MessageFrame } from "./message.ts";

/** The server stops counting unread messages here. */
export const UNREAD_MAX = 100;

/** The person's read mark in a room, and the number of unread messages. */
export function createMarks(list: List, me: () => string | undefined) {
  let lastRead = 0;
  /** Unread messages as the server counted them up to version `upTo`, plus those that arrived since. */
  let counted = 0;
  let upTo = 0;

  const unread = () => {
    // If the list reaches back to the mark, count exactly.
    if (list.more && list.from > lastRead + 1) return Math.min(UNREAD_MAX, counted);
    let count = 0;
    for (let at = list.messages.length - 1; at >= 0 && count < UNREAD_MAX; at--) {
      const { id, user, deletedAt } = list.messages[at] as List["messages"][number];
      if (id <= lastRead) break;
      if (user.id !== me() && deletedAt === undefined) count++;
    }
    return count;
  };

  return {
    state: () => ({ lastRead, unread: unread() }),
    joined(frame: JoinedFrame, resumed: boolean) {
      if (frame.lastRead !== undefined)
        lastRead = resumed ? Math.max(lastRead, frame.lastRead) : frame.lastRead;
      if (frame.unread === undefined) return;
      counted = frame.unread;
      upTo = frame.version;
    },
    message({ change, version, id, user }: MessageFrame) {
      if (change === "created" && version > upTo && id > lastRead && user.id !== me()) counted++;
    },
    /** Moves the mark. Returns false if it is already there or further. */
    read(id: number): boolean {
      if (id <= lastRead) return false;
      lastRead = Math.min(id, Math.max(list.version, lastRead));
      if (lastRead >= list.version || id >= (list.messages.at(-1)?.id ?? Infinity)) counted = 0;
      return true;
    },
    drop() {
      lastRead = counted = upTo = 0;
    },
  };
}
