import type { List } from "./list.ts";
import type { JoinedFrame, MessageFrame } from "./message.ts";

/** The server stops counting unread messages here. */
export const UNREAD_MAX = 100;

/** How far someone has read, and how much they have not. */
export function createMarks(list: List, me: () => string | undefined) {
  let lastRead = 0;
  /** As the server counted them, up to a version, and as they came since. */
  let counted = 0;
  let upTo = 0;

  const unread = () => {
    // Exact where the list goes back far enough.
    if (list.from > lastRead + 1) return Math.min(UNREAD_MAX, counted);
    let count = 0;
    for (let at = list.messages.length - 1; at >= 0 && count < UNREAD_MAX; at--) {
      const { id, username, deletedAt } = list.messages[at] as List["messages"][number];
      if (id <= lastRead) break;
      if (username !== me() && deletedAt === undefined) count++;
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
    message({ change, version, id, username }: MessageFrame) {
      if (change === "created" && version > upTo && id > lastRead && username !== me()) counted++;
    },
    /** Whether that moves the mark. */
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
