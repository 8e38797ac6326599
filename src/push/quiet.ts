import type { QuietHours } from "./ports.ts";

const DAY = 24 * 60;
const MINUTE_MS = 60_000;

/** Reading a clock in a time zone takes 50 µs to prepare. */
const clocks = new Map<string, Intl.DateTimeFormat>();
const CLOCKS_MAX = 1_000;

function clockIn(zone: string): Intl.DateTimeFormat {
  let clock = clocks.get(zone);
  if (!clock) {
    clock = new Intl.DateTimeFormat("en", {
      timeZone: zone,
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
    });
    if (clocks.size >= CLOCKS_MAX) clocks.clear();
    clocks.set(zone, clock);
  }
  return clock;
}

/** Whether this runtime knows a time zone. */
export function isZone(zone: string): boolean {
  try {
    return clockIn(zone) !== undefined;
  } catch {
    return false;
  }
}

/** The minutes since midnight in a time zone. */
function minuteIn(zone: string, now: number): number {
  const parts = clockIn(zone).formatToParts(now);
  const part = (type: "hour" | "minute") => Number(parts.find((one) => one.type === type)?.value);
  return part("hour") * 60 + part("minute");
}

/**
 * How long quiet hours still last, in milliseconds: 0 outside of them. They may go over midnight, and do not exist if both
 * times are equal. On a day on which the clocks change, the end may be an hour off.
 */
export function quietFor(hours: QuietHours | null, now: number): number {
  if (!hours || hours.begins === hours.ends || !isZone(hours.zone)) return 0;
  const minute = minuteIn(hours.zone, now);
  const length = (hours.ends - hours.begins + DAY) % DAY;
  const past = (minute - hours.begins + DAY) % DAY;
  if (past >= length) return 0;
  return (length - past) * MINUTE_MS - (now % MINUTE_MS);
}

/** A time of the day, as `22:00`. */
export const timeOf = (minutes: number): string =>
  [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, "0")).join(":");

/** The minutes since midnight of a time as `22:00`. */
export const minutesOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
