import * as v from "valibot";
import { isAllowEntry } from "../outbound/addresses.ts";

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

/** A length of time from `min` to `max`, parsed to milliseconds. */
const lengthOfTime = (
  examples: string,
  [min, least]: readonly [number, string],
  [max, most]: readonly [number, string],
) =>
  v.pipe(
    v.string(),
    v.regex(/^\d{1,9}(ms|s|m|h|d)$/, `must be a number with a unit: ${examples}`),
    v.transform((text) => {
      const unit = text.replace(/\d+/, "") as keyof typeof UNITS;
      return Number.parseInt(text, 10) * UNITS[unit];
    }),
    v.minValue(min, `must be at least ${least}`),
    v.maxValue(max, `must be at most ${most}`),
  );

/** A length of time. The dates of a database end. */
export const duration = lengthOfTime(
  "500ms, 30s, 15m, 1h or 30d",
  [1000, "1s"],
  [36_500 * UNITS.d, "36500d"],
);

/** How long something waits for another service. */
export const wait = lengthOfTime("300ms or 2s", [100, "100ms"], [5 * SECOND, "5s"]);

/** The same, or never. */
export const durationOrOff = v.union(
  [
    v.pipe(
      v.literal("off"),
      v.transform(() => undefined),
    ),
    duration,
  ],
  "must be off, or a number with a unit: 30m, 4h or 1d",
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

/** How somebody outside reaches the operator. */
export const contact = v.pipe(
  v.string(),
  v.check(
    (text) => /^mailto:[^\s@]+@[^\s@]+$/.test(text) || /^https:\/\/[^\s/]/.test(text),
    "must begin with mailto: or https://",
  ),
);

const SIZES = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 } as const;

/** A number of bytes. */
export const bytes = v.pipe(
  v.string(),
  v.regex(/^\d{1,6}(KiB|MiB|GiB|TiB)$/, "must be a number with a unit: 512KiB, 50MiB or 2GiB"),
  v.transform((text) => {
    const unit = text.replace(/\d+/, "") as keyof typeof SIZES;
    return Number.parseInt(text, 10) * SIZES[unit];
  }),
  v.minValue(1, "must be at least 1KiB"),
);

/** One web origin. */
export const origin = v.pipe(
  v.string(),
  v.check(
    (text) => /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text,
    "must be an origin such as https://files.example.com",
  ),
);

const isPlace = (text: string) =>
  URL.canParse(text) &&
  (new URL(text).protocol === "s3:" ? new URL(text).host !== "" : /^file:\/\/\/./.test(text));

/** Where files are stored: a folder or a bucket. */
export const place = v.pipe(v.string(), v.check(isPlace, "must be a URL that begins with file:/// or s3://"));

/** The same, or nowhere. */
export const store = v.pipe(
  v.string(),
  v.check(
    (text) => text === "off" || isPlace(text),
    "must be off, or a URL that begins with file:/// or s3://",
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

/** One of Standard Webhooks' secrets, or several: parsed to a list. */
export const hookSecret = v.pipe(
  v.string(),
  v.transform((text) => text.trim().split(/ +/)),
  v.check(
    (secrets) =>
      secrets.every((one) => {
        const [, base64 = ""] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(one) ?? [];
        const { length } = Buffer.from(base64, "base64");
        return base64.length % 4 === 0 && length >= 24 && length <= 64;
      }),
    "must be whsec_ and the base64 of 24 to 64 random bytes",
  ),
);

const list = v.pipe(
  v.string(),
  v.transform((text) => text.split(",").map((part) => part.trim())),
);
const isOrigin = (text: string) => URL.canParse(text) && new URL(text).origin === text;

/** A list of web origins with encrypted transport. */
export const secureOrigins = v.pipe(
  list,
  v.check(
    (list) => list.every((one) => /^https:\/\/[\w.-]+(?::\d+)?$/.test(one) && isOrigin(one)),
    "must be a comma-separated list of origins such as https://cdn.example.com, without paths and wildcards",
  ),
);

/** `*`, or a list of web origins. */
export const origins = v.pipe(
  list,
  v.check(
    (list) => list.includes("*") || !list.some((origin) => origin.includes("*")),
    "must name each origin in full, because a wildcard such as https://*.example.com matches nothing",
  ),
  v.check(
    (list) => list.join() === "*" || list.every(isOrigin),
    "must be * alone or a comma-separated list of origins such as https://app.example.com",
  ),
);

/** A list of hosts and networks. */
export const hosts = v.pipe(
  list,
  v.transform((list) => list.map((entry) => entry.toLowerCase())),
  v.check(
    (list) => list.every(isAllowEntry),
    "must be a comma-separated list of names, addresses and networks such as hooks.example.com,10.0.0.0/8",
  ),
);
