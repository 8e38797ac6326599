import type { JoinedFrame, PresenceFrame } from "./message.ts";
import type { Clock } from "./ports.ts";

/** How long one `typing` frame counts, in milliseconds. */
const TYPING_MS = 6_000;
/** The server sends at most this many names. */
const NAMES_MAX = 100;

/** The people in a room, and those of them who are typing. */
export function createPresence(clock: Clock, changed: () => void) {
  let online = 0;
  let people: readonly string[] = [];
  const typing = new Map<string, () => void>();

  const quiet = (name: string) => {
    typing.get(name)?.();
    return typing.delete(name);
  };

  return {
    state: () => ({ online, people, typing: [...typing.keys()] }),
    joined(frame: JoinedFrame) {
      online = frame.online ?? online;
      people = frame.people?.slice(0, NAMES_MAX) ?? people;
    },
    update({ online: count, joined = [], left = [] }: PresenceFrame) {
      online = count;
      const gone = new Set(left);
      const before = joined.length === count ? [] : people.filter((name) => !gone.has(name));
      people = [...new Set([...before, ...joined])].slice(0, NAMES_MAX);
      for (const name of left) quiet(name);
    },
    typing(name: string) {
      quiet(name);
      if (typing.size >= NAMES_MAX) return;
      typing.set(
        name,
        clock.after(TYPING_MS, () => {
          if (quiet(name)) changed();
        }),
      );
    },
    /** Ends someone's typing: they posted, or went away. */
    quiet,
    /** Forgets everything, for example because the connection was lost. */
    clear() {
      for (const name of [...typing.keys()]) quiet(name);
      online = 0;
      people = [];
    },
  };
}
