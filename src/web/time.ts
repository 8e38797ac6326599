/**
 * Creates a formatter for the reader's locale and time zone. Create each only once: formatters are expensive, and the page
 * freezes while the browser frees them.
 */
function format(options: Intl.DateTimeFormatOptions): (iso: string) => string {
  const formatter = new Intl.DateTimeFormat([], options);
  return (iso) => formatter.format(new Date(iso));
}

export const clockTime = format({ hour: "2-digit", minute: "2-digit" });
export const fullTime = format({ dateStyle: "full", timeStyle: "short" });
const dayOfThisYear = format({ weekday: "long", month: "long", day: "numeric" });
const dayOfAnyYear = format({ weekday: "long", month: "long", day: "numeric", year: "numeric" });
const weekday = format({ weekday: "short" });
const shortDay = format({ month: "short", day: "numeric" });

/** Returns a key of the local day, for comparisons. */
export function dayOf(iso: string): string {
  const date = new Date(iso);
  return `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}`;
}

const DAY_MS = 24 * 3600_000;

/** Returns "Today", "Yesterday" or the date. */
export function dayName(iso: string, now = Date.now()): string {
  const day = dayOf(iso);
  if (day === dayOf(new Date(now).toISOString())) return "Today";
  if (day === dayOf(new Date(now - DAY_MS).toISOString())) return "Yesterday";
  const isThisYear = new Date(iso).getFullYear() === new Date(now).getFullYear();
  return isThisYear ? dayOfThisYear(iso) : dayOfAnyYear(iso);
}

/** Returns the time of today, the weekday within the last six days, or the date. */
export function shortTime(iso: string, now = Date.now()): string {
  if (dayOf(iso) === dayOf(new Date(now).toISOString())) return clockTime(iso);
  return now - Date.parse(iso) < 6 * DAY_MS ? weekday(iso) : shortDay(iso);
}

/**
 * Returns when a mute ends, in milliseconds since 1970: Infinity if someone has to end it, undefined if there is none or it
 * is over.
 */
export function muteEnd(until: string | null | undefined, now: number): number | undefined {
  if (until === undefined) return undefined;
  const end = until === null ? Infinity : Date.parse(until);
  return end > now ? end : undefined;
}
