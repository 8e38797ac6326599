import type { Bus } from "../../bus/bus.ts";
import type { Clock } from "../../clock.ts";
import type { Named } from "../../person.ts";
import type { Pass } from "../pass.ts";
import { NAMED_MAX } from "./presence.ts";

/** The least time between two notifications about one person in a room, in milliseconds. */
const PERSON_MS = 2_000;
/** The most notifications a second in a room. Nobody could read more. */
const ROOM_PER_SECOND = 5;

/** Notifies small rooms who is typing, throttled. Nothing is stored. */
export interface Typing {
  typing(pass: Pass<"post">): void;
}

interface TypingOptions {
  readonly clock: Clock;
  readonly bus: Pick<Bus, "publish" | "listen">;
  online(room: string): number;
  /** Whether another node has someone in the room. */
  shared(room: string): boolean;
  tell(room: string, who: Named): void;
}

export function createTyping({ clock, bus, online, shared, tell }: TypingOptions): Typing {
  const recent = new Map<string, Set<string>>();

  /** Whether to notify the room now. */
  const worthIt = (room: string, username: string): boolean => {
    if (online(room) > NAMED_MAX) return false;
    const told = recent.get(room) ?? new Set<string>();
    if (told.has(username) || told.size >= ROOM_PER_SECOND * (PERSON_MS / 1_000)) return false;
    recent.set(room, told.add(username));
    clock.after(PERSON_MS, () => {
      told.delete(username);
      if (told.size === 0 && recent.get(room) === told) recent.delete(room);
    });
    return true;
  };

  bus.listen({
    heard(news) {
      if (news.type !== "typing" || !worthIt(news.room, news.username)) return;
      tell(news.room, news);
    },
  });

  return {
    typing({ room, person: { username, user } }) {
      if (!worthIt(room, username)) return;
      tell(room, { username, user });
      if (shared(room)) bus.publish({ type: "typing", room, username, user });
    },
  };
}
