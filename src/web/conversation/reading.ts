import type { Message, Room, RoomState } from "../../client/index.ts";
import { isBy, type Me } from "../parts/person.tsx";
import type { Stretch } from "./past.ts";
import { indexOf } from "./span.ts";

/** The shortest time between two moves of the read mark, in milliseconds. */
const READ_MS = 300;

export type Reading = ReturnType<typeof createReading>;

/**
 * How far someone has read. The mark moves to a message only if it and all before it were on the screen, and says so to the
 * server. The line "New" is above the first message that came when nobody looked.
 */
export function createReading(room: Room, me: Me | undefined) {
  /** Everything up to here was read. */
  let readTo = 0;
  /** Later messages that were on the screen. */
  const seen = new Set<number>();
  /** The message below the line. */
  let line: number | undefined;
  /** Nothing was unread since the line was drawn. */
  let isDone = true;
  /** The person marked messages as unread: what is on the screen stays so until they open the room again. */
  let isHeld = false;
  /** The room's mark when the state was last seen. */
  let known = 0;
  let sending: ReturnType<typeof setTimeout> | undefined;

  const isUnread = (message: Message) =>
    message.id > readTo && !seen.has(message.id) && !message.deletedAt && !isBy(me, message);

  /** Whether the stretch has everything that follows what was read. */
  const isNext = ({ entries, more }: Stretch) => !more || (entries[0]?.id ?? Infinity) <= readTo + 1;

  /** The first unread message, if it is loaded. */
  const first = (stretch: Stretch): Message | undefined => {
    if (!isNext(stretch)) return undefined;
    const { messages } = stretch;
    for (let at = indexOf(messages, readTo + 1); at < messages.length; at++)
      if (isUnread(messages[at] as Message)) return messages[at];
    return undefined;
  };

  const send = () => {
    sending ??= setTimeout(() => {
      sending = undefined;
      if (readTo > room.snapshot().lastRead) room.read(readTo).catch(() => {});
    }, READ_MS);
  };

  const forward = (to: number) => {
    readTo = Math.max(readTo, to);
    for (const id of seen) if (id <= readTo) seen.delete(id);
  };

  /** The person moved the mark back, here or on another device. */
  const back = (to: number, stretch: Stretch) => {
    clearTimeout(sending);
    sending = undefined;
    isHeld = true;
    readTo = to;
    seen.clear();
    line = first(stretch)?.id;
    isDone = line === undefined;
  };

  return {
    get line() {
      return line;
    },
    get readTo() {
      return readTo;
    },
    first,
    /** Call with each new state. `isFollowed`: someone looks at the end of the room, so what comes is no surprise. */
    update({ lastRead }: RoomState, stretch: Stretch, isFollowed: boolean): void {
      if (lastRead < known) back(lastRead, stretch);
      if (lastRead > known) isHeld = false; // It was read on another device.
      known = lastRead;
      if (!isHeld) forward(lastRead);
      const unread = first(stretch);
      if (unread === undefined) isDone ||= !stretch.newer && isNext(stretch);
      else if (isDone && !isFollowed) {
        line = unread.id;
        isDone = false;
      }
    },
    /** These messages are on the screen of someone who looks at it. */
    see(ids: readonly number[], stretch: Stretch): void {
      if (isHeld) return;
      for (const id of ids) if (id > readTo) seen.add(id);
      if (!isNext(stretch)) return;
      const { messages } = stretch;
      let at = indexOf(messages, readTo + 1);
      while (at < messages.length && !isUnread(messages[at] as Message)) at++;
      const last = messages[at - 1]?.id ?? 0;
      if (last <= readTo) return;
      forward(last);
      send();
    },
    /** The person left. What comes now gets a line of its own. */
    leave(): void {
      if (isDone) line = undefined;
    },
    /** Everything is read, because the person says so. */
    finish(): void {
      isHeld = false;
      forward(room.snapshot().messages.at(-1)?.id ?? 0);
      seen.clear();
      isDone = true;
      line = undefined;
      send();
    },
    /** The number of unread messages of others before this one. 100 means 100 or more. */
    before(id: number, { lastRead, unread }: RoomState, stretch: Stretch): number {
      if (!isNext(stretch)) return readTo > lastRead ? 0 : unread;
      const { messages } = stretch;
      let count = 0;
      for (let at = indexOf(messages, readTo + 1); at < messages.length && count < 100; at++) {
        const message = messages[at] as Message;
        if (message.id >= id) break;
        if (isUnread(message)) count++;
      }
      return count;
    },
  };
}
