import { expect, test } from "bun:test";
import { isZone, minutesOf, quietFor, timeOf } from "../../src/push/quiet.ts";

const at = (time: string) => Date.parse(`2026-01-15T${time}:00Z`);
const minutes = (from: string, to: string, zone: string, time: string) =>
  quietFor({ begins: minutesOf(from), ends: minutesOf(to), zone }, at(time)) / 60_000;

test("quiet hours last until their end by the clock of the time zone, also over midnight", () => {
  expect(minutes("22:00", "07:00", "UTC", "21:59")).toBe(0);
  expect(minutes("22:00", "07:00", "UTC", "22:00")).toBe(9 * 60);
  expect(minutes("22:00", "07:00", "UTC", "06:59")).toBe(1);
  expect(minutes("22:00", "07:00", "UTC", "07:00")).toBe(0);
  expect(minutes("22:00", "07:00", "America/New_York", "03:00")).toBe(9 * 60);
  expect(minutes("13:00", "14:00", "Asia/Kolkata", "08:00")).toBe(30);
  expect(minutes("09:00", "09:00", "UTC", "09:00")).toBe(0);
});

test("a time zone that the runtime does not know makes no quiet hours", () => {
  expect([isZone("Europe/Berlin"), isZone("Moon/Base")]).toEqual([true, false]);
  expect(minutes("00:00", "23:59", "Moon/Base", "12:00")).toBe(0);
});

test("times of the day are written as they are read", () => {
  for (const time of ["00:00", "09:05", "23:59"]) expect(timeOf(minutesOf(time))).toBe(time);
});
