import type { JoinedFrame, Person, PresenceFrame, User } from "./message.ts";
import type { Clock } from "./ports.ts";

/** How long one `typing` frame counts, in milliseconds. */
const TYPING_MS = 6_000;
/** The server sends at most this many names. */
const NAMES_MAX = 100;

/** The people in a room, and those of them who are typing. */
export function createPresence(clock: Clock, changed: () => void) {
  let online = 0;
  let people: readonly User[] = [];
  let typing: readonly User[] = [];
  /** Ends someone's typing, by username. */
  const timers = new Map<string, () => void>();

  const quiet = (name: string) => {
    timers.get(name)?.();
    if (timers.delete(name)) typing = typing.filter(({ username }) => username !== name);
  };

  return {
    /** The same arrays until something changes. */
    state: () => ({ online, people, typing }),
    joined(frame: JoinedFrame) {
      online = frame.online ?? online;
      people = frame.people ? usersOf(frame.people, frame.profiles) : people;
    },
    update({ online: count, joined = [], left = [], profiles }: PresenceFrame) {
      online = count;
      const gone = new Set([...left, ...joined]);
      const before = joined.length === count ? [] : people.filter(({ username }) => !gone.has(username));
      people = [...before, ...usersOf(joined, profiles)].slice(0, NAMES_MAX);
      left.forEach(quiet);
    },
    typing(username: string, person: Person) {
      quiet(username);
      if (timers.size >= NAMES_MAX) return;
      typing = [...typing, { ...person, username }];
      timers.set(
        username,
        clock.after(TYPING_MS, () => {
          quiet(username);
          changed();
        }),
      );
    },
    /** Ends someone's typing: they posted, or went away. */
    quiet,
    /** Forgets everything, for example because the connection was lost. */
    clear() {
      [...timers.keys()].forEach(quiet);
      online = 0;
      people = [];
    },
  };
}

/** Joins usernames with the ids and names that the server sends beside them. */
const usersOf = (names: readonly string[], profiles: readonly Person[] = []): User[] =>
  names.slice(0, NAMES_MAX).map((username, index) => ({ id: "", ...profiles[index], username }));
