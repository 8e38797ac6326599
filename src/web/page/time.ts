import { words } from "../words/language.ts";

/**
 * Creates a formatter for the reader's locale and time zone. Create each only once: formatters are expensive, and the page
 * freezes while the browser frees them.
 */
function format(options: Intl.DateTimeFormatOptions): (iso: string) => string {
  const formatter = new Intl.DateTimeFormat([], options);
  return (iso) => formatter.format(new Date(iso));
}

// Every time of day has the same style, so that the same time is never written in two ways.
export const clockTime = format({ timeStyle: "short" });
export const fullTime = format({ dateStyle: "full", timeStyle: "short" });
const dayOfThisYear = format({ weekday: "long", month: "long", day: "numeric" });
const dayOfAnyYear = format({ weekday: "long", month: "long", day: "numeric", year: "numeric" });
const weekday = format({ weekday: "short" });
const shortDay = format({ month: "short", day: "numeric" });
const shortDayOfAnyYear = format({ dateStyle: "medium" });

const DAY_MS = 24 * 3600_000;

/** Returns the reader's calendar day as a number that grows by one each day. A day can have 23 or 25 hours. */
export function dayOf(time: string | number): number {
  const date = new Date(time);
  return Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / DAY_MS;
}

const isSameYear = (iso: string, now: number) => new Date(iso).getFullYear() === new Date(now).getFullYear();

/** Returns "Today", "Yesterday" or the date. */
export function dayName(iso: string, now = Date.now()): string {
  const days = dayOf(now) - dayOf(iso);
  if (days === 0) return words.page.today;
  if (days === 1) return words.page.yesterday;
  return isSameYear(iso, now) ? dayOfThisYear(iso) : dayOfAnyYear(iso);
}

/** Returns the time of today, the weekday within the last six days, or the date. */
export function shortTime(iso: string, now = Date.now()): string {
  const days = dayOf(now) - dayOf(iso);
  if (days === 0) return clockTime(iso);
  if (days > 0 && days < 7) return weekday(iso);
  return isSameYear(iso, now) ? shortDay(iso) : shortDayOfAnyYear(iso);
}

/** Returns the first moment of the reader's next day, in milliseconds since 1970. */
export function nextDay(now: number): number {
  const date = new Date(now);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + 1).getTime();
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
