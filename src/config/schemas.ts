import * as v from "valibot";

// How settings are parsed. Messages follow the name of the setting. They never quote the value, which may be a secret.

const SECOND = 1000;
const UNITS = { ms: 1, s: SECOND, m: 60 * SECOND, h: 3600 * SECOND, d: 86_400 * SECOND } as const;

/** A whole number within limits. */
export const whole = (min: number, max: number) =>
  v.pipe(
    v.string(),
    v.regex(/^\d{1,15}$/, "must be a whole number"),
    v.transform(Number),
    v.minValue(min, `must be at least ${min}`),
    v.maxValue(max, `must be at most ${max}`),
  );

/** A factor, such as 0.5 or 4. */
export const multiple = v.pipe(
  v.string(),
  v.regex(/^\d{1,6}(\.\d{1,3})?$/, "must be a number such as 0.5, 1 or 4"),
  v.transform(Number),
);

/** A length of time, parsed to milliseconds. */
export const duration = v.pipe(
  v.string(),
  v.regex(/^\d{1,9}(ms|s|m|h|d)$/, "must be a number with a unit: 500ms, 30s, 15m, 1h or 30d"),
  v.transform((text) => {
    const unit = text.replace(/\d+/, "") as keyof typeof UNITS;
    return Number.parseInt(text, 10) * UNITS[unit];
  }),
  v.minValue(1000, "must be at least 1s"),
  v.maxValue(36_500 * UNITS.d, "must be at most 36500d"), // the dates of a database end
);

/** A URL with one of these schemes. */
export const url = (...schemes: string[]) =>
  v.pipe(
    v.string(),
    v.check(
      (text) => URL.canParse(text) && schemes.includes(new URL(text).protocol.slice(0, -1)),
      `must be a URL that begins with ${schemes.map((s) => `${s}://`).join(" or ")}`,
    ),
  );

/** One of these words. */
export const oneOf = <const T extends readonly string[]>(...values: T) =>
  v.picklist(values, `must be one of ${values.join(", ")}`);

/** A value that is valid in an `Authorization: Bearer` header (RFC 6750). */
export const secret = v.pipe(
  v.string(),
  v.minLength(16, "must have at least 16 characters"),
  v.regex(/^[\w.~+/=-]+$/, "may contain only letters, digits and -._~+/="),
);

/** `*`, or a list of web origins. */
export const origins = v.pipe(
  v.string(),
  v.transform((text) => text.split(",").map((part) => part.trim())),
  v.check(
    (list) => list.includes("*") || !list.some((origin) => origin.includes("*")),
    "must name each origin in full, because a wildcard such as https://*.example.com matches nothing",
  ),
  v.check(
    (list) => list.join() === "*" || list.every((one) => URL.canParse(one) && new URL(one).origin === one),
    "must be * alone or a comma-separated list of origins such as https://app.example.com",
  ),
);
