// Long because every setting is here.

import * as v from "valibot";
import { sender, smtpUrl } from "./mail.ts";
import {
  bytes,
  contact,
  duration,
  hookSecret,
  hosts,
  durationOrOff,
  multiple,
  oneOf,
  origin,
  origins,
  place,
  secret,
  secureOrigins,
  store,
  url,
  wait,
  whole,
} from "./schemas.ts";

export interface Setting {
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
      "The most Postgres connections for accounts, joins and access checks. Commits use two more, pages of history and lists three, the readiness check one, and mails two if `SMTP_URL` is set.",
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
  FILES_URL: {
    inFile: true,
    schema: store,
    about:
      "Where uploaded files are stored: `file:///path`, or `s3://key:secret@bucket/prefix?endpoint=https://…&region=…`. All servers of an installation must share it. `off`: people cannot upload files. Defaults to the folder `files` in `DATA_DIR` with the embedded database, and to `off` with Postgres.",
  },
  FILES_OLD_URL: {
    inFile: true,
    schema: place,
    about:
      "Where files were stored before `FILES_URL`. The servers read them from there as well, and move them while they run.",
  },
  FILE_MAX: { schema: bytes, fallback: "50MiB", about: "The largest file that people can upload." },
  FILE_QUOTA: {
    schema: bytes,
    fallback: "2GiB",
    about: "The most that one person can have stored, over all rooms.",
  },
  FILE_ROOM_QUOTA: {
    schema: bytes,
    fallback: "20GiB",
    about: "The most that one room can have stored.",
  },
  FILE_SCAN_URL: {
    inFile: true,
    schema: url("http", "https"),
    about:
      'The address of a scanner. Each uploaded file is sent there with `POST`, and nobody can send or load it until the response is `{"clean": true}`.',
  },
  FILES_ORIGIN: {
    schema: origin,
    about:
      "Another origin that leads to this server, such as `https://files.example.com`. The addresses of files begin with it, so that what people upload never shares an origin with the page.",
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
  SMTP_URL: {
    inFile: true,
    schema: smtpUrl,
    about:
      "The mail server: `smtp://user:password@host:587`, which must offer STARTTLS, or `smtps://…:465`. `?tls=off` at the end allows a server without encryption. It needs `MAIL_FROM` and `PUBLIC_URL`. If not set, Parley sends no mails, and nobody can reset a password by mail.",
  },
  MAIL_FROM: {
    schema: sender,
    about: "The sender of mails: `chat@example.com` or `Example Chat <chat@example.com>`.",
  },
  MAIL_CONTENT: {
    schema: oneOf("on", "off"),
    fallback: "on",
    about: "`off`: mails about unread messages say who wrote and where, without the texts.",
  },
  DIGEST_AFTER: {
    schema: durationOrOff,
    fallback: "4h",
    about:
      "How long somebody must be away, and a mention or direct message unread, before Parley mails them about it. At least `ACCESS_TOKEN_TTL` counts. `off`: never.",
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
  PICTURE_ORIGINS: {
    schema: secureOrigins,
    about:
      "The https origins whose pictures of people the page shows, separated by commas, such as `https://cdn.example.com`. If not set, it shows initials. Those servers see who looks at the page.",
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
  SEARCH: {
    schema: oneOf("on", "off"),
    fallback: "on",
    about:
      "`off`: nobody can search for messages, and no index of them is written. `parley reindex` then removes an index from before.",
  },
  PUSH: {
    schema: oneOf("on", "off"),
    fallback: "on",
    about:
      "`off`: the server sends no pushes to browsers. They also need `PUSH_SUBJECT`, or a `PUBLIC_URL` that begins with https.",
  },
  PUSH_SUBJECT: {
    schema: contact,
    about:
      "How push services reach you, such as `mailto:ops@example.com`, or an https URL. Each push contains it. Defaults to `PUBLIC_URL` if that begins with https.",
  },
  PUSH_CONTENT: {
    schema: oneOf("on", "off"),
    fallback: "on",
    about:
      "`off`: pushes contain neither texts nor names. They say how many messages there are, and lead to the room.",
  },
  MESSAGE_HOOK_URL: {
    inFile: true,
    schema: url("http", "https"),
    about:
      "An endpoint of yours that allows, refuses or changes each message and edit before it is committed. It needs `MESSAGE_HOOK_SECRET`.",
  },
  MESSAGE_HOOK_SECRET: {
    inFile: true,
    schema: hookSecret,
    about:
      "The secret that signs these requests: `whsec_` and the base64 of 24 to 64 random bytes, as in Standard Webhooks. Several, separated by spaces, all sign.",
  },
  MESSAGE_HOOK_TIMEOUT: {
    schema: wait,
    fallback: "1s",
    about: "How long a message waits for that endpoint, `100ms` to `5s`.",
  },
  MESSAGE_HOOK_FAILURE: {
    schema: oneOf("refuse", "allow"),
    fallback: "refuse",
    about:
      "What happens to messages if the endpoint does not answer in time. `refuse`: nothing that was not checked is committed, and clients try again. `allow`: they are committed unchecked.",
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
  OUTBOUND_ALLOW: {
    schema: hosts,
    about:
      "Hosts and networks of yours that the server may call although they are not on the public internet, separated by commas: exact names, addresses, and networks such as `10.0.0.0/8`. It matters for URLs that others gave, such as those of webhooks.",
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
