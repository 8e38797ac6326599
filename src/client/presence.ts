import type { JoinedFrame, Person, PresenceFrame } from "./message.ts";
import type { Clock } from "./ports.ts";

/** How long one `typing` frame counts, in milliseconds. */
const TYPING_MS = 6_000;
/** The server sends at most this many names. */
const NAMES_MAX = 100;

/** The people in a room, and those of them who are typing. */
export function createPresence(clock: Clock, changed: () => void) {
  let online = 0;
  let people: readonly string[] = [];
  /** The people in `people` and `typing`, by username. Replaced when it changes. */
  let profiles: ReadonlyMap<string, Person> = new Map();
  const typing = new Map<string, () => void>();

  const quiet = (name: string) => {
    typing.get(name)?.();
    return typing.delete(name);
  };

  /** Forgets those who are neither here nor typing. */
  const learn = (names: readonly string[], found: readonly Person[] = []) => {
    const known = new Map(profiles);
    found.forEach((person, index) => known.set(names[index] ?? "", person));
    for (const name of known.keys())
      if (!people.includes(name) && !names.includes(name) && !typing.has(name)) known.delete(name);
    profiles = known;
  };

  return {
    state: () => ({ online, people, profiles, typing: [...typing.keys()] }),
    joined(frame: JoinedFrame) {
      online = frame.online ?? online;
      people = frame.people?.slice(0, NAMES_MAX) ?? people;
      learn(people, frame.people && frame.profiles);
    },
    update({ online: count, joined = [], left = [], profiles: found }: PresenceFrame) {
      online = count;
      const gone = new Set(left);
      const before = joined.length === count ? [] : people.filter((name) => !gone.has(name));
      people = [...new Set([...before, ...joined])].slice(0, NAMES_MAX);
      for (const name of left) quiet(name);
      learn(joined, found);
    },
    typing(name: string, person: Person) {
      quiet(name);
      if (typing.size >= NAMES_MAX) return;
      learn([name], [person]);
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
      profiles = new Map();
    },
  };
}
