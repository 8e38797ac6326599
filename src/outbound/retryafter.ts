/**
 * Reads `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3). Returns how long to wait, in milliseconds and at most `mostMs`;
 * undefined: the response does not say. `now`: since 1970, in milliseconds.
 */
export function readRetryAfter(
  header: string | null | undefined,
  { now, mostMs }: { readonly now: number; readonly mostMs: number },
): number | undefined {
  if (header === null || header === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? undefined : Math.min(mostMs, Math.max(0, ms));
}
