import { expect, test } from "bun:test";
import { readRetryAfter } from "../../src/outbound/retryafter.ts";

const now = Date.parse("2026-01-31T12:00:00Z");
const read = (header: string | null | undefined) => readRetryAfter(header, { now, mostMs: 3600_000 });

test.each([
  ["120", 120_000],
  [" 7 ", 7_000],
  ["0", 0],
  ["Sat, 31 Jan 2026 12:00:30 GMT", 30_000],
  ["Sat, 31 Jan 2026 11:00:00 GMT", 0],
  ["999999999", 3600_000],
  ["Sun, 31 Jan 2027 12:00:00 GMT", 3600_000],
])("Retry-After %p is read as a wait of %p ms", (header, ms) => expect(read(header)).toBe(ms));

test.each([[null], [undefined], [""], ["soon"], ["-5s"], ["9".repeat(400)]])(
  "Retry-After %p says nothing",
  (header) => expect(read(header)).toBeUndefined(),
);
