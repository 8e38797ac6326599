import { isMain, type List } from "./list.ts";
import type { JoinedFrame, MessageFrame } from "./message.ts";

/** The server stops counting unread messages here. */
export const UNREAD_MAX = 100;

/** A move of the mark: what is up to the message is read, or what follows from it on is unread. */
export interface MarkMove {
  readonly id: number;
  readonly back?: true | undefined;
}

/** The person's read mark in a room, and the number of unread messages. */
export function createMarks(list: List, me: () => string | undefined) {
  let lastRead = 0;
  /** Unread messages as the server counted them up to version `upTo`, plus those that arrived since. */
  let counted = 0;
  let upTo = 0;

  /** The unread messages of the list. */
  const here = () =>
    list.messages.filter(
      (message) =>
        message.id > lastRead &&
        message.user.id !== me() &&
        message.deletedAt === undefined &&
        isMain(message, list.floor),
    ).length;

  /** Exact if the list reaches back to the mark. */
  const unread = () => Math.min(UNREAD_MAX, list.more && list.from > lastRead + 1 ? counted : here());

  return {
    state: () => ({ lastRead, unread: unread() }),
    /** `waiting`: the moves of this client that the server may not have made yet. */
    joined(frame: JoinedFrame, waiting: readonly MarkMove[]) {
      if (frame.lastRead !== undefined) ({ lastRead } = frame);
      for (const { id, back } of waiting)
        lastRead = back ? Math.min(lastRead, id - 1) : Math.max(lastRead, id);
      if (frame.unread === undefined) return;
      counted = frame.unread;
      upTo = frame.version;
    },
    message(frame: MessageFrame) {
      const { change, version, id, user } = frame;
      const isNew = change === "created" && version > upTo && id > lastRead && user.id !== me();
      if (isNew && isMain(frame, list.floor)) counted++;
    },
    /** Moves the mark. Returns false if it is already there or further. */
    read(id: number): boolean {
      if (id <= lastRead) return false;
      lastRead = Math.min(id, Math.max(list.version, lastRead));
      if (lastRead >= list.version || id >= (list.messages.at(-1)?.id ?? Infinity)) counted = 0;
      return true;
    },
    /** Moves the mark back to this id. Returns false if it is already there or before. */
    back(id: number): boolean {
      if (id >= lastRead) return false;
      lastRead = id;
      // A list that does not reach back to the mark knows of no more.
      counted = Math.max(counted, here());
      return true;
    },
    drop() {
      lastRead = counted = upTo = 0;
    },
  };
}
