import * as v from "valibot";
import { duration, multiple, oneOf, origins, secret, url, whole } from "./schemas.ts";
import { COMPARED_MIN, misspelt } from "./spelling.ts";

interface Setting {
  readonly schema: v.GenericSchema<string, unknown>;
  /** The default, as it would be written in the environment. Absent if there is none. */
  readonly fallback?: string;
  /** What the setting does, for the table in the README. */
  readonly about: string;
  /** Its value can be read from a file that a setting with `_FILE` appended names. */
  readonly inFile?: true;
}

/** All settings by their name in the environment, with schema, default and description. */
export const SETTINGS = {
  PORT: { schema: whole(0, 65_535), fallback: "3000", about: "The port to listen on. `0` picks a free one." },
  HOST: {
    schema: v.pipe(v.string(), v.minLength(1)),
    fallback: "127.0.0.1",
    about:
      "The address to listen on. `0.0.0.0`, the container's default, accepts connections from other machines.",
  },
  DATABASE_URL: {
    inFile: true,
    schema: url("postgres", "postgresql"),
    about: "The Postgres server to use. If not set, the server uses its embedded database.",
  },
  DATABASE_DRIVER: {
    schema: oneOf("pglite", "postgres", "neon"),
    about:
      "`pglite`, `postgres` or `neon`. By default it follows from `DATABASE_URL`: hosts under neon.tech use `neon`.",
  },
  DATABASE_POOL: {
    schema: whole(1, 100),
    fallback: "8",
    about:
      "The most Postgres connections for accounts, joins and access checks. Commits use two more, pages of history and lists three, the readiness check one.",
  },
  DATABASE_POOLER: {
    schema: oneOf("transaction", "none"),
    about:
      "`transaction`: a pooler such as PgBouncer gives each transaction another connection. `none`: there is no such pooler. By default the server finds out when it starts.",
  },
  NEON_PROXY: {
    schema: v.pipe(v.string(), v.regex(/^[\w.-]+(:\d+)?(\/[\w./-]*)?$/, "must be host:port/path")),
    about:
      "The address of the `neon` driver's WebSocket proxy, as `host:port/path`. Defaults to the database's own host.",
  },
  DATA_DIR: {
    schema: v.pipe(v.string(), v.minLength(1)),
    fallback: "./data",
    about: "The folder of the embedded database. Only one process can use it at a time.",
  },
  REDIS_URL: {
    inFile: true,
    schema: url("redis", "rediss"),
    about: "A Redis or Valkey server. It lets several servers on one Postgres notify each other immediately.",
  },
  REDIS_PREFIX: {
    schema: v.pipe(v.string(), v.regex(/^[\w:.-]{1,64}$/, "must be 1 to 64 letters, digits, _ : . or -")),
    fallback: "parley:",
    about: "The prefix of all keys and channels in Redis.",
  },
  WORKERS: {
    schema: whole(1, 64),
    fallback: "1",
    about: "The number of server processes that share the port. More than one requires Postgres and Redis.",
  },
  PUBLIC_URL: {
    schema: url("http", "https"),
    about:
      "The server's public URL, used as the issuer of access tokens. The default issuer is the database's instance id.",
  },
  JWT_PRIVATE_KEY: {
    inFile: true,
    schema: v.pipe(v.string(), v.minLength(1)),
    about:
      "An Ed25519 key that signs access tokens, as JWK or PKCS8 PEM. By default the first start creates one in the database.",
  },
  ACCESS_TOKEN_TTL: {
    schema: duration,
    fallback: "1h",
    about: "The lifetime of an access token.",
  },
  REFRESH_TOKEN_TTL: {
    schema: duration,
    fallback: "30d",
    about: "How long a session lasts without a refresh.",
  },
  SESSION_MAX_AGE: {
    schema: duration,
    fallback: "365d",
    about: "How long a session lasts in total. After that, the person has to log in again.",
  },
  AUTH_JWKS_URL: {
    schema: url("http", "https"),
    about:
      "The URL of your identity provider's key set. Set it together with `AUTH_ISSUER` and `AUTH_AUDIENCE`, or set none of them.",
  },
  AUTH_ISSUER: {
    schema: v.pipe(v.string(), v.minLength(1)),
    about: "The exact `iss` of your identity provider's tokens. It must differ from `PUBLIC_URL`.",
  },
  AUTH_AUDIENCE: {
    schema: v.pipe(v.string(), v.minLength(1)),
    about: "The `aud` that your identity provider's tokens must contain.",
  },
  ROOM_ACCESS: {
    schema: oneOf("open", "claims", "members"),
    fallback: "open",
    about:
      "Which open rooms a token without a `rooms` claim allows. `open`: every room. `claims`: none. `members`: with or without the claim, nobody enters a room unless a backend or an operator made them a member. Tokens of Parley's own accounts have no such claim.",
  },
  REGISTRATION: {
    schema: oneOf("open", "invite", "off"),
    fallback: "open",
    about:
      "Who can create an account: `open`: anyone; `invite`: anyone with a link of `parley registration-link`; `off`: nobody. People who have an account can log in.",
  },
  DELETE_AFTER: {
    schema: duration,
    fallback: "14d",
    about:
      "How long after its deletion an account is erased. Until then the operator can restore it. `1s` erases it at once.",
  },
  QUERY_TOKEN: {
    schema: oneOf("on", "off"),
    fallback: "on",
    about: "`off` rejects `?token=` in WebSocket URLs, which proxies often log.",
  },
  ALLOWED_ORIGINS: {
    schema: origins,
    fallback: "*",
    about:
      "The origins whose pages may use the API and open sockets, separated by commas. `*` is safe, because there are no cookies.",
  },
  ADMIN_TOKEN: {
    inFile: true,
    schema: secret,
    about:
      "An operator's bearer token for `/admin/…`, at least 16 characters. `parley api-key` creates others, each with a name.",
  },
  METRICS_TOKEN: {
    inFile: true,
    schema: secret,
    about: "The bearer token for `/metrics`, at least 16 characters. If not set, the route does not exist.",
  },
  MESSAGE_MAX_CHARS: {
    schema: whole(1, 10_000),
    fallback: "4000",
    about: "The maximum length of a message, in code points.",
  },
  EDIT_WINDOW: {
    schema: duration,
    about: "How long after posting a message can be edited. If not set, there is no limit.",
  },
  MESSAGE_RATE: {
    schema: whole(0, 1_000_000),
    fallback: "10",
    about: "Messages per second and user, on average. `0` turns the limit off.",
  },
  MESSAGE_BURST: {
    schema: whole(1, 1_000_000),
    fallback: "30",
    about: "Messages that a user can send at once before `MESSAGE_RATE` applies.",
  },
  BUDGETS: {
    schema: multiple,
    fallback: "1",
    about:
      "Multiplies all budgets but that of messages, such as those for joins, history and requests. `0` turns them off.",
  },
  LOGIN_RATE: {
    schema: whole(0, 1_000_000),
    fallback: "10",
    about:
      "Failed logins allowed in 15 minutes, per account and network, and wrong operator tokens per network. `0` turns off these limits and those on registrations.",
  },
  SOCKETS_PER_USER: {
    schema: whole(1, 1_000_000),
    fallback: "50",
    about: "The most sockets that a user can have open on one server process.",
  },
  ROOMS_PER_SOCKET: {
    schema: whole(1, 10_000),
    fallback: "200",
    about: "The most rooms that one socket can join.",
  },
  TRUST_PROXY: {
    schema: whole(0, 10),
    fallback: "0",
    about: "The number of proxies in front of the server: it trusts that many hops of `X-Forwarded-For`.",
  },
  LOG_LEVEL: {
    schema: oneOf("trace", "debug", "info", "warn", "error", "fatal", "silent"),
    fallback: "info",
    about: "The lowest level that is logged. The log is JSON lines on standard output.",
  },
} as const satisfies Record<string, Setting>;

/** The settings that can also be read from files. */
export const IN_FILES: readonly string[] = Object.entries<Setting>(SETTINGS).flatMap(([name, { inFile }]) =>
  inFile ? [name] : [],
);

type Settings = typeof SETTINGS;
type Value<S> = S extends { schema: infer T extends v.GenericSchema }
  ? S extends { fallback: string }
    ? v.InferOutput<T>
    : v.InferOutput<T> | undefined
  : never;

export type Driver = "pglite" | "postgres" | "neon";

/** The parsed configuration. Durations are in milliseconds; `DATABASE_DRIVER` is always set. */
export type Config = Readonly<{ [K in keyof Settings]: Value<Settings[K]> } & { DATABASE_DRIVER: Driver }>;

/** The environment is invalid. The message has one line for each invalid setting. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/**
 * Reads the configuration from an environment. An empty value counts as not set. Unknown names are ignored, unless
 * they look like a misspelt setting: an ignored `REGISTRATON=off` would leave registration open.
 * @throws {ConfigError} names every invalid setting. Values are never quoted, because they may be secrets.
 */
export function loadConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const config: Record<string, unknown> = {};
  const known = [...Object.keys(SETTINGS), ...IN_FILES.map((name) => `${name}_FILE`)];
  const wrong = misspelt(
    Object.keys(env).filter((name) => env[name]),
    known,
  ).map(([name, meant]) => `${name} is not a setting. Did you mean ${meant}?`);
  for (const name of Object.keys(SETTINGS))
    if (env[`${name}_FILE`] && !IN_FILES.includes(name) && name.length >= COMPARED_MIN)
      wrong.push(`${name}_FILE is not a setting: only secrets are read from files. Set ${name}`);
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
    ...(outside % 3 === 0 ? [] : ["AUTH_JWKS_URL, AUTH_ISSUER and AUTH_AUDIENCE must be set together"]),
    ...(config.AUTH_ISSUER && config.AUTH_ISSUER === config.PUBLIC_URL
      ? ["AUTH_ISSUER must differ from PUBLIC_URL, the issuer of Parley's own tokens"]
      : []),
    ...((config.WORKERS ?? 1) > 1 && !(config.REDIS_URL && config.DATABASE_URL)
      ? ["WORKERS above 1 needs DATABASE_URL and REDIS_URL, which the processes share"]
      : []),
    ...(config.DATABASE_DRIVER && config.DATABASE_DRIVER !== "pglite" && !config.DATABASE_URL
      ? [`DATABASE_DRIVER=${config.DATABASE_DRIVER} needs DATABASE_URL`]
      : []),
    ...(config.DATABASE_DRIVER === "pglite" && config.DATABASE_URL
      ? ["DATABASE_DRIVER=pglite selects the embedded database: remove DATABASE_URL"]
      : []),
  ];
}

function driverOf({ DATABASE_DRIVER, DATABASE_URL }: Partial<Config>): Driver {
  if (DATABASE_DRIVER) return DATABASE_DRIVER;
  if (!DATABASE_URL) return "pglite";
  return new URL(DATABASE_URL).hostname.endsWith(".neon.tech") ? "neon" : "postgres";
}
