import * as v from "valibot";

const SECOND = 1000;
const UNITS = { ms: 1, s: SECOND, m: 60 * SECOND, h: 3600 * SECOND, d: 86_400 * SECOND } as const;

const whole = (min: number, max: number) =>
  v.pipe(
    v.string(),
    v.regex(/^\d{1,15}$/, "must be a whole number"),
    v.transform(Number),
    v.minValue(min, `must be at least ${min}`),
    v.maxValue(max, `must be at most ${max}`),
  );

const duration = v.pipe(
  v.string(),
  v.regex(/^\d{1,9}(ms|s|m|h|d)$/, "must be a number with a unit: 500ms, 30s, 15m, 1h or 30d"),
  v.transform((text) => {
    const unit = text.replace(/\d+/, "") as keyof typeof UNITS;
    return Number.parseInt(text, 10) * UNITS[unit];
  }),
  v.minValue(1000, "must be at least 1s"),
);

const url = (...schemes: string[]) =>
  v.pipe(
    v.string(),
    v.check(
      (text) => URL.canParse(text) && schemes.includes(new URL(text).protocol.slice(0, -1)),
      `must be a URL that begins with ${schemes.map((s) => `${s}://`).join(" or ")}`,
    ),
  );

const oneOf = <const T extends readonly string[]>(...values: T) =>
  v.picklist(values, `must be one of ${values.join(", ")}`);

/** What can stand in an `Authorization: Bearer` header (RFC 6750). */
const secret = v.pipe(
  v.string(),
  v.minLength(16, "must have at least 16 characters"),
  v.regex(/^[\w.~+/=-]+$/, "may have letters, digits and -._~+/= only"),
);

const origins = v.pipe(
  v.string(),
  v.transform((text) => text.split(",").map((part) => part.trim())),
  v.check(
    (list) => list.every((o) => o === "*" || (URL.canParse(o) && new URL(o).origin === o)),
    "must be * or origins such as https://app.example.com, with commas between them",
  ),
);

interface Setting {
  readonly schema: v.GenericSchema<string, unknown>;
  /** As it would be written in the environment; absent: not set. */
  readonly fallback?: string;
  /** What it does and what follows from it, for the table of the README. */
  readonly about: string;
}

/** Every setting there is: its name in the environment, its schema, its default and its consequence. */
export const SETTINGS = {
  PORT: { schema: whole(0, 65_535), fallback: "3000", about: "The port to listen on; `0` takes a free one." },
  HOST: {
    schema: v.pipe(v.string(), v.minLength(1)),
    fallback: "127.0.0.1",
    about: "The address to listen on. `0.0.0.0` lets others in (the container's default).",
  },
  DATABASE_URL: {
    schema: url("postgres", "postgresql"),
    about: "A Postgres server. Without it the embedded database is used.",
  },
  DATABASE_DRIVER: {
    schema: oneOf("pglite", "postgres", "neon"),
    about: "How to reach the database where the URL does not say: a host of neon.tech means `neon`.",
  },
  DATABASE_POOL: {
    schema: whole(1, 100),
    fallback: "8",
    about:
      "Connections for reads and accounts; commits have one for each of their two lanes, and the readiness check one, besides.",
  },
  NEON_PROXY: {
    schema: v.pipe(v.string(), v.regex(/^[\w.-]+(:\d+)?(\/[\w./-]*)?$/, "must be host:port/path")),
    about: "Where the `neon` driver finds its WebSocket proxy, if not at the database's own host.",
  },
  DATA_DIR: {
    schema: v.pipe(v.string(), v.minLength(1)),
    fallback: "./data",
    about: "Where the embedded database lives. One process owns it.",
  },
  REDIS_URL: {
    schema: url("redis", "rediss"),
    about: "A Redis or Valkey server, so that several servers on one Postgres hear of each other at once.",
  },
  REDIS_PREFIX: {
    schema: v.pipe(v.string(), v.regex(/^[\w:.-]{1,64}$/, "must be 1 to 64 letters, digits, _ : . or -")),
    fallback: "parley:",
    about: "What all names in Redis begin with.",
  },
  WORKERS: {
    schema: whole(1, 64),
    fallback: "1",
    about: "Server processes on this machine that share the port; more than one wants Postgres and Redis.",
  },
  PUBLIC_URL: {
    schema: url("http", "https"),
    about: "The issuer of our tokens. Without it the database's own instance id is.",
  },
  JWT_PRIVATE_KEY: {
    schema: v.pipe(v.string(), v.minLength(1)),
    about:
      "Ed25519, as a JWK or PKCS8 PEM. Without it a key is made at first start and kept in the database.",
  },
  ACCESS_TOKEN_TTL: {
    schema: duration,
    fallback: "1h",
    about: "How long an access token opens doors without a refresh.",
  },
  REFRESH_TOKEN_TTL: {
    schema: duration,
    fallback: "30d",
    about: "How long a session lasts that is not used.",
  },
  AUTH_JWKS_URL: {
    schema: url("http", "https"),
    about:
      "The key set of your own identity provider. It, the issuer and the audience come all three or not at all.",
  },
  AUTH_ISSUER: {
    schema: v.pipe(v.string(), v.minLength(1)),
    about: "The `iss` of its tokens, exactly as they have it; never ours.",
  },
  AUTH_AUDIENCE: {
    schema: v.pipe(v.string(), v.minLength(1)),
    about: "The `aud` that its tokens must name.",
  },
  ROOM_ACCESS: {
    schema: oneOf("open", "claims"),
    fallback: "open",
    about:
      "`open`: a token without a `rooms` claim may enter any room. `claims`: only what its claim says; tokens of accounts here have none.",
  },
  REGISTRATION: {
    schema: oneOf("open", "off"),
    fallback: "open",
    about: "`off`: nobody can register; who has an account can log in.",
  },
  QUERY_TOKEN: {
    schema: oneOf("on", "off"),
    fallback: "on",
    about: "`off` refuses `?token=` in WebSocket URLs, which proxies like to log.",
  },
  ALLOWED_ORIGINS: {
    schema: origins,
    fallback: "*",
    about: "Which pages may use the API and open sockets. There are no cookies, so `*` gives nothing away.",
  },
  ADMIN_TOKEN: {
    schema: secret,
    about: "The operator's bearer token for `/admin/…`. Without it there are no such routes.",
  },
  METRICS_TOKEN: {
    schema: secret,
    about: "The bearer token of `/metrics`. Without it there is no such route.",
  },
  MESSAGE_MAX_CHARS: {
    schema: whole(1, 10_000),
    fallback: "4000",
    about: "The longest message, in code points.",
  },
  EDIT_WINDOW: {
    schema: duration,
    about: "How long after it was posted a message may be edited. Without it: for ever.",
  },
  MESSAGE_RATE: {
    schema: whole(0, 1_000_000),
    fallback: "10",
    about: "Messages a second per user, on average. `0`: no limit.",
  },
  MESSAGE_BURST: {
    schema: whole(1, 1_000_000),
    fallback: "30",
    about: "Messages that a user may send at once before the rate counts.",
  },
  LOGIN_RATE: {
    schema: whole(0, 1_000_000),
    fallback: "10",
    about: "Failed logins in 15 minutes per account and address. `0`: no limit, on registrations neither.",
  },
  SOCKETS_PER_USER: {
    schema: whole(1, 1_000_000),
    fallback: "50",
    about: "Sockets that one user may have open.",
  },
  ROOMS_PER_SOCKET: { schema: whole(1, 10_000), fallback: "200", about: "Rooms that one socket may join." },
  TRUST_PROXY: {
    schema: whole(0, 10),
    fallback: "0",
    about: "How many proxies stand before the server: that many hops of `X-Forwarded-For` are believed.",
  },
  LOG_LEVEL: {
    schema: oneOf("trace", "debug", "info", "warn", "error", "fatal", "silent"),
    fallback: "info",
    about: "How much is logged: one JSON line each, on standard output.",
  },
} as const satisfies Record<string, Setting>;

type Settings = typeof SETTINGS;
type Value<S> = S extends { schema: infer T extends v.GenericSchema }
  ? S extends { fallback: string }
    ? v.InferOutput<T>
    : v.InferOutput<T> | undefined
  : never;

export type Driver = "pglite" | "postgres" | "neon";

/** The configuration, parsed: durations in milliseconds, `DATABASE_DRIVER` decided. */
export type Config = Readonly<{ [K in keyof Settings]: Value<Settings[K]> } & { DATABASE_DRIVER: Driver }>;

/** The environment does not make sense; the message has one line for each setting that is wrong. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/**
 * Reads the configuration from an environment. An empty value counts as not set; names that are not ours are ignored.
 * @throws {ConfigError} naming every setting that is wrong; values, which may be secrets, are not quoted.
 */
export function loadConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const config: Record<string, unknown> = {};
  const wrong: string[] = [];
  for (const [name, setting] of Object.entries<Setting>(SETTINGS)) {
    const text = env[name] || setting.fallback;
    if (text === undefined) continue;
    const parsed = v.safeParse(setting.schema, text, { abortPipeEarly: true });
    if (parsed.success) config[name] = parsed.output;
    else wrong.push(`${name} ${parsed.issues[0].message}`);
  }
  wrong.push(...contradictions(config as Partial<Config>));
  if (wrong.length > 0) throw new ConfigError(wrong.join("\n"));
  config.DATABASE_DRIVER = driverOf(config as Partial<Config>);
  return Object.freeze(config) as Config;
}

function contradictions(config: Partial<Config>): string[] {
  const outside = [config.AUTH_JWKS_URL, config.AUTH_ISSUER, config.AUTH_AUDIENCE].filter(Boolean).length;
  return [
    ...(outside % 3 === 0
      ? []
      : ["AUTH_JWKS_URL, AUTH_ISSUER and AUTH_AUDIENCE come all three or not at all"]),
    ...(config.AUTH_ISSUER && config.AUTH_ISSUER === config.PUBLIC_URL
      ? ["AUTH_ISSUER must not be our own issuer, PUBLIC_URL"]
      : []),
    ...((config.WORKERS ?? 1) > 1 && !(config.REDIS_URL && config.DATABASE_URL)
      ? ["WORKERS of more than 1 needs DATABASE_URL and REDIS_URL: processes share them"]
      : []),
    ...(config.DATABASE_DRIVER && config.DATABASE_DRIVER !== "pglite" && !config.DATABASE_URL
      ? [`DATABASE_DRIVER=${config.DATABASE_DRIVER} needs DATABASE_URL`]
      : []),
    ...(config.DATABASE_DRIVER === "pglite" && config.DATABASE_URL
      ? ["DATABASE_DRIVER=pglite is the embedded database: it takes no DATABASE_URL"]
      : []),
  ];
}

function driverOf({ DATABASE_DRIVER, DATABASE_URL }: Partial<Config>): Driver {
  if (DATABASE_DRIVER) return DATABASE_DRIVER;
  if (!DATABASE_URL) return "pglite";
  return new URL(DATABASE_URL).hostname.endsWith(".neon.tech") ? "neon" : "postgres";
}
