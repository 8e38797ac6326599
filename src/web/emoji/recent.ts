import { createStorage } from "../page/storage.ts";

/** What the person prefers. */
export interface Habits {
  /** The emoji that were chosen last, the newest first. */
  readonly recent: readonly string[];
  /** The skin tone, from 0 (none) to 5. */
  readonly tone: number;
  /** That of the second person in a pair. */
  readonly second: number;
}

const KEY = "parley emoji";
const RECENT_MAX = 32;
const NOTHING: Habits = { recent: [], tone: 0, second: 0 };
const isTone = (value: unknown): value is number =>
  Number.isInteger(value) && 0 <= Number(value) && Number(value) <= 5;

/** Keeps the person's habits in this browser. */
export function createHabits(page: Window) {
  const storage = createStorage(page);
  return {
    read(): Habits {
      try {
        const { recent, tone, second } = JSON.parse(storage.getItem(KEY) ?? "{}") as Partial<Habits>;
        return {
          recent: Array.isArray(recent)
            ? recent.filter((one) => typeof one === "string").slice(0, RECENT_MAX)
            : [],
          tone: isTone(tone) ? tone : 0,
          second: isTone(second) ? second : 0,
        };
      } catch {
        return NOTHING;
      }
    },
    write: (habits: Habits) => void storage.setItem(KEY, JSON.stringify(habits)),
  };
}

export const withRecent = (habits: Habits, emoji: string): Habits => ({
  ...habits,
  recent: [emoji, ...habits.recent.filter((one) => one !== emoji)].slice(0, RECENT_MAX),
});
