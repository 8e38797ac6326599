import type { Clock } from "../clock.ts";
import { NAMED_MAX } from "./presence.ts";

/** One person is told of at most so often in a room, in milliseconds. */
const PERSON_MS = 2_000;
/** Beyond so many a second, a room hears of no more: nobody could read it. */
const ROOM_PER_SECOND = 5;

/** Who is typing: told to small rooms, merged and throttled, kept nowhere. */
export interface Typing {
  typing(room: string, username: string): void;
}

interface TypingOptions {
  readonly clock: Clock;
  online(room: string): number;
  tell(room: string, username: string): void;
}

export function createTyping({ clock, online, tell }: TypingOptions): Typing {
  const recent = new Map<string, Set<string>>();

  return {
    typing(room, username) {
      if (online(room) > NAMED_MAX) return;
      const told = recent.get(room) ?? new Set<string>();
      if (told.has(username) || told.size >= ROOM_PER_SECOND * (PERSON_MS / 1_000)) return;
      recent.set(room, told.add(username));
      clock.after(PERSON_MS, () => {
        told.delete(username);
        if (told.size === 0 && recent.get(room) === told) recent.delete(room);
      });
      tell(room, username);
    },
  };
}
