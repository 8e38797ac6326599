import type { JoinedFrame, PresenceFrame } from "./message.ts";
import type { Clock } from "./ports.ts";

/** How long someone is typing who says so once, in milliseconds. */
const TYPING_MS = 6_000;
/** As many names as the server gives. */
const NAMES_MAX = 100;

/** Who is in a room, and who is typing there. */
export function createHere(clock: Clock, changed: () => void) {
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
    presence({ online: count, joined = [], left = [] }: PresenceFrame) {
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
    /** Has said it, or is gone. */
    quiet,
    /** Nothing is known of it now. */
    clear() {
      for (const name of [...typing.keys()]) quiet(name);
      online = 0;
      people = [];
    },
  };
}
