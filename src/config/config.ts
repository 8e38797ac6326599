import { join } from "node:path";
import { pathToFileURL } from "node:url";
import * as v from "valibot";
import { IN_FILES, type Setting, SETTINGS } from "./settings.ts";
import { COMPARED_MIN, misspelt } from "./spelling.ts";

export { IN_FILES, SETTINGS };

type Settings = typeof SETTINGS;
type Value<S> = S extends { schema: infer T extends v.GenericSchema }
  ? S extends { fallback: string }
    ? v.InferOutput<T>
    : v.InferOutput<T> | undefined
  : never;

export type Driver = "pglite" | "postgres" | "neon";

/**
 * The parsed configuration. Durations are in milliseconds; `DATABASE_DRIVER` and `FILES_URL` are always set, and
 * `PUSH_SUBJECT` if pushes are sent.
 */
export type Config = Readonly<
  { [K in keyof Settings]: Value<Settings[K]> } & { DATABASE_DRIVER: Driver; FILES_URL: string }
>;

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
  config.FILES_URL ??= filesUrlOf(config as Config);
  config.PUSH_SUBJECT = subjectOf(config as Config);
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
    ...(!config.MESSAGE_HOOK_URL === !config.MESSAGE_HOOK_SECRET
      ? []
      : ["MESSAGE_HOOK_URL and MESSAGE_HOOK_SECRET must be set together"]),
    ...(config.SMTP_URL && !(config.MAIL_FROM && config.PUBLIC_URL)
      ? ["SMTP_URL needs MAIL_FROM, the sender, and PUBLIC_URL, which links in mails begin with"]
      : []),
    ...(config.FILES_OLD_URL && config.FILES_OLD_URL === config.FILES_URL
      ? ["FILES_OLD_URL must differ from FILES_URL"]
      : []),
    ...(config.DATABASE_DRIVER === "pglite" && config.DATABASE_URL
      ? ["DATABASE_DRIVER=pglite selects the embedded database: remove DATABASE_URL"]
      : []),
  ];
}

/** Several servers may share a Postgres, but not the folder of one of them. */
const filesUrlOf = ({ DATABASE_DRIVER, DATA_DIR }: Pick<Config, "DATABASE_DRIVER" | "DATA_DIR">) =>
  DATABASE_DRIVER === "pglite" ? pathToFileURL(join(DATA_DIR, "files")).href : "off";

/** Without a way to reach the operator there are no pushes. */
function subjectOf({ PUSH, PUSH_SUBJECT, PUBLIC_URL }: Pick<Config, "PUSH" | "PUSH_SUBJECT" | "PUBLIC_URL">) {
  if (PUSH === "off") return undefined;
  return PUSH_SUBJECT ?? (PUBLIC_URL?.startsWith("https://") ? PUBLIC_URL : undefined);
}

function driverOf({ DATABASE_DRIVER, DATABASE_URL }: Partial<Config>): Driver {
  if (DATABASE_DRIVER) return DATABASE_DRIVER;
  if (!DATABASE_URL) return "pglite";
  return new URL(DATABASE_URL).hostname.endsWith(".neon.tech") ? "neon" : "postgres";
}
