/** Times as people read them, where they are. */

export const clockTime = (iso: string): string =>
  new Date(iso).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

export const fullTime = (iso: string): string =>
  new Date(iso).toLocaleString([], { dateStyle: "full", timeStyle: "short" });

/** The day of a time, as something that can be compared. */
export function dayOf(iso: string): string {
  const date = new Date(iso);
  return `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}`;
}

const DAY_MS = 24 * 3600_000;

/** Today, Yesterday, or the date. */
export function dayName(iso: string, now = Date.now()): string {
  const day = dayOf(iso);
  if (day === dayOf(new Date(now).toISOString())) return "Today";
  if (day === dayOf(new Date(now - DAY_MS).toISOString())) return "Yesterday";
  const date = new Date(iso);
  const year = date.getFullYear() === new Date(now).getFullYear() ? undefined : "numeric";
  return date.toLocaleDateString([], { weekday: "long", month: "long", day: "numeric", year });
}

/** Short: the time of today, the day of this week, or the date. */
export function shortTime(iso: string, now = Date.now()): string {
  if (dayOf(iso) === dayOf(new Date(now).toISOString())) return clockTime(iso);
  const date = new Date(iso);
  if (now - date.getTime() < 6 * DAY_MS) return date.toLocaleDateString([], { weekday: "short" });
  return date.toLocaleDateString([], { month: "short", day: "numeric" });
}
