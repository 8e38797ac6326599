import { describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { withSecretFiles } from "../../src/cli/secret-files.ts";
import { ConfigError, IN_FILES, loadConfig, SETTINGS } from "../../src/config/config.ts";
import { temporaryFolder } from "../support/folder.ts";
import { runParley } from "../support/process.ts";

/** Returns what keeps a server with this environment from starting, one entry per line. */
function problems(env: Record<string, string>): string[] {
  try {
    loadConfig(env);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message.split("\n");
  }
}

// `REGISTRATON=off` was ignored without a word, and everyone could register.
test("a setting that cannot be read from a file is not ignored if someone tries", () => {
  expect(problems({ REGISTRATION_FILE: "/run/secrets/registration" })).toEqual([
    "REGISTRATION_FILE is not a setting: only secrets are read from files. Set REGISTRATION",
  ]);
  expect(problems({ PORT_FILE: "/run/port" })).toEqual([]);
});

describe("a setting that is misspelt stops the start and names the one that was meant", () => {
  test.each([
    ["REGISTRATON", "REGISTRATION", "a letter is missing"],
    ["REGISTRATIONS", "REGISTRATION", "a letter is added"],
    ["REGISTRATIAN", "REGISTRATION", "a letter is wrong"],
    ["REGISTRAITON", "REGISTRATION", "two letters are exchanged"],
    ["EGISTRATION", "REGISTRATION", "the first letter is missing"],
    ["ALLOWED_ORIGIN", "ALLOWED_ORIGINS", "the plural is missing"],
    ["Room_Access", "ROOM_ACCESS", "the case is wrong"],
    ["room_acess", "ROOM_ACCESS", "the case and a letter are wrong"],
    ["ROOMACCESS", "ROOM_ACCESS", "an underscore is missing"],
    ["SOCKETSPERUSER", "SOCKETS_PER_USER", "all underscores are missing"],
    ["SOCKETS__PER_USER", "SOCKETS_PER_USER", "an underscore is added"],
    ["ROOM-ACCESS", "ROOM_ACCESS", "an underscore is a hyphen"],
    ["REDIS_URI", "REDIS_URL", "other programs call it that"],
    ["ADMIN_TOKEN_FLIE", "ADMIN_TOKEN_FILE", "the file of a secret"],
  ])("%s means %s: %s", (name, meant) => {
    expect(problems({ [name]: "x" })).toEqual([`${name} is not a setting. Did you mean ${meant}?`]);
  });

  test("every setting is recognized with any one letter missing, unless its name is short", () => {
    for (const name of Object.keys(SETTINGS).filter(({ length }) => length > 5))
      for (let at = 0; at < name.length; at++) {
        const typed = name.slice(0, at) + name.slice(at + 1);
        expect(problems({ [typed]: "x" })).toEqual([expect.stringContaining(`${typed} is not a setting`)]);
      }
  });

  test("even if the one that was meant is set too, and not if it has no value", () => {
    expect(problems({ REGISTRATION: "open", REGISTRATON: "off" })).toHaveLength(1);
    expect(problems({ REGISTRATON: "" })).toEqual([]);
  });
});

/** Variables that systems, shells, platforms and tools set. */
const FOREIGN = `
  HOME USER LOGNAME SHELL PATH PWD OLDPWD LANG LANGUAGE LC_ALL TERM COLORTERM TZ TMPDIR TEMP TMP HOSTNAME HOSTTYPE HOSTS
  MACHTYPE OSTYPE SHLVL EDITOR VISUAL PAGER MAIL DISPLAY XAUTHORITY XDG_DATA_HOME XDG_DATA_DIRS XDG_CONFIG_HOME XDG_RUNTIME_DIR
  SSH_CLIENT SSH_TTY SSH_AUTH_SOCK SUDO_USER SUDO_UID PS1 IFS POST PORTS SORT COST HTTP_HOST REMOTE_HOST SERVER_PORT
  http_proxy https_proxy no_proxy all_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY ALL_PROXY FTP_PROXY NODE_EXTRA_CA_CERTS NODE_ENV
  NODE_OPTIONS NODE_PATH BUN_INSTALL BUN_OPTIONS BUN_RUNTIME_TRANSPILER_CACHE_PATH npm_config_registry npm_package_name npm_lifecycle_event
  INIT_CWD npm_execpath npm_node_execpath npm_command CI GITHUB_TOKEN GITHUB_ACTIONS GITLAB_CI BUILD_ID DEBUG VERBOSE LOG_FORMAT LOGS_DIR
  INVOCATION_ID JOURNAL_STREAM NOTIFY_SOCKET LISTEN_FDS LISTEN_PID MAINPID STATE_DIRECTORY RUNTIME_DIRECTORY LOGS_DIRECTORY
  CACHE_DIRECTORY CONFIGURATION_DIRECTORY CREDENTIALS_DIRECTORY SYSTEMD_EXEC_PID WATCHDOG_USEC MEMORY_PRESSURE_WATCH
  KUBERNETES_SERVICE_HOST KUBERNETES_SERVICE_PORT KUBERNETES_SERVICE_PORT_HTTPS KUBERNETES_PORT KUBERNETES_PORT_443_TCP
  KUBERNETES_PORT_443_TCP_ADDR PARLEY_PORT PARLEY_SERVICE_HOST PARLEY_SERVICE_PORT PARLEY_PORT_3000_TCP PARLEY_EMAIL PARLEY_PASSWORD PARLEY_TOKEN
  REDIS_PORT REDIS_HOST REDIS_SERVICE_HOST REDIS_SERVICE_PORT REDIS_PORT_6379_TCP REDIS_PORT_6379_TCP_ADDR REDIS_PASSWORD REDIS_USER REDIS_TLS_URL
  REDIS_PRIVATE_URL REDIS_PUBLIC_URL REDISHOST REDISPORT REDISPASSWORD REDIS_MASTER_SERVICE_HOST REDISCLOUD_URL
  POSTGRES_USER POSTGRES_PASSWORD POSTGRES_DB POSTGRES_HOST POSTGRES_PORT POSTGRES_URL POSTGRES_SERVICE_HOST POSTGRES_PRISMA_URL
  POSTGRES_URL_NON_POOLING POSTGRESQL_URL PGHOST PGPORT PGUSER PGPASSWORD PGDATABASE PGDATA PGSSLMODE DATABASE_HOST DATABASE_PORT
  DATABASE_NAME DATABASE_USER DATABASE_PASSWORD DATABASE_PRIVATE_URL DATABASE_PUBLIC_URL DATABASE_URL_UNPOOLED DATABASE_SERVICE_HOST
  DATABASE_CONNECTION_POOL_URL DIRECT_URL SHADOW_DATABASE_URL DB_HOST DB_PORT DB_URL MYSQL_URL MONGO_URL MONGODB_URI AMQP_URL SQLALCHEMY_DATABASE_URI
  DYNO WEB_CONCURRENCY WEB_MEMORY HEROKU_APP_NAME HEROKU_POSTGRESQL_BLUE_URL STACK RENDER RENDER_EXTERNAL_URL RENDER_EXTERNAL_HOSTNAME RENDER_INSTANCE_ID
  RENDER_SERVICE_ID IS_PULL_REQUEST FLY_APP_NAME FLY_REGION FLY_ALLOC_ID FLY_MACHINE_ID FLY_PRIVATE_IP FLY_PUBLIC_IP PRIMARY_REGION FLY_PROCESS_GROUP
  RAILWAY_PUBLIC_DOMAIN RAILWAY_PRIVATE_DOMAIN RAILWAY_STATIC_URL RAILWAY_ENVIRONMENT RAILWAY_VOLUME_MOUNT_PATH K_SERVICE K_REVISION K_CONFIGURATION
  GOOGLE_CLOUD_PROJECT GOOGLE_APPLICATION_CREDENTIALS CLOUD_RUN_JOB AWS_REGION AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
  AWS_LAMBDA_FUNCTION_NAME AWS_EXECUTION_ENV ECS_CONTAINER_METADATA_URI ECS_CONTAINER_METADATA_URI_V4 WEBSITE_SITE_NAME WEBSITE_HOSTNAME WEBSITES_PORT
  APPSETTING_PORT VCAP_APPLICATION VCAP_SERVICES CF_INSTANCE_INDEX CF_INSTANCE_ADDR MEMORY_LIMIT VERCEL_URL VERCEL_ENV NETLIFY URL DEPLOY_URL APP_URL
  BASE_URL PUBLIC_PATH SITE_URL SERVER_URL DOKKU_APP_NAME DOKKU_APP_TYPE COOLIFY_URL COOLIFY_FQDN CAPROVER NIXPACKS_PATH PM2_HOME pm_id NODE_APP_INSTANCE
  NOMAD_PORT_http NOMAD_ADDR_http NOMAD_ALLOC_ID NOMAD_TASK_DIR NOMAD_DATA_DIR CONSUL_HTTP_ADDR VAULT_ADDR VAULT_TOKEN DOCKER_HOST DOCKER_CONFIG container
  OTEL_EXPORTER_OTLP_ENDPOINT OTEL_SERVICE_NAME OTEL_LOG_LEVEL DD_AGENT_HOST DD_TRACE_AGENT_URL SENTRY_DSN NEW_RELIC_LICENSE_KEY RUST_LOG GOPATH JAVA_HOME
  SECRET_KEY_BASE JWT_SECRET JWT_PUBLIC_KEY AUTH_SECRET AUTH_URL AUTH_TOKEN NEXTAUTH_URL ADMIN_EMAIL ADMIN_PASSWORD ADMIN_USER ORIGIN ALLOWED_HOSTS
  CORS_ORIGIN TRUSTED_PROXIES RATE_LIMIT LIMITS MALLOC_ARENA_MAX LD_PRELOAD LD_LIBRARY_PATH UID EUID _ LINES COLUMNS WORKER_ID WORKER_PORT NEON_API_KEY
`
  .trim()
  .split(/\s+/);

test("variables that platforms and shells set never stop the start", () => {
  expect(FOREIGN.length).toBeGreaterThan(250);
  const env = Object.fromEntries(FOREIGN.map((name) => [name, "x"]));
  expect(problems(env)).toEqual([]);
  expect(problems(process.env as Record<string, string>)).toEqual([]);
});

test.each(["https://*.example.com", "https://a.example.com,https://*.example.com", "*.example.com"])(
  "ALLOWED_ORIGINS with a wildcard inside is refused, because it would match nothing: %s",
  (value) => {
    expect(problems({ ALLOWED_ORIGINS: value })).toEqual([
      "ALLOWED_ORIGINS must name each origin in full, because a wildcard such as https://*.example.com matches nothing",
    ]);
  },
);

test("ALLOWED_ORIGINS is * alone, or a list of origins without a path", () => {
  expect(loadConfig({ ALLOWED_ORIGINS: "*" }).ALLOWED_ORIGINS).toEqual(["*"]);
  expect(loadConfig({ ALLOWED_ORIGINS: "https://a.example, http://b.example:81" }).ALLOWED_ORIGINS).toEqual([
    "https://a.example",
    "http://b.example:81",
  ]);
  for (const value of ["https://a.example/", "https://a.example,*", "a.example", "https://a.example,"])
    expect(problems({ ALLOWED_ORIGINS: value })).toEqual([expect.stringMatching(/^ALLOWED_ORIGINS must be/)]);
});

test("PICTURE_ORIGINS is a list of https origins without paths and wildcards", () => {
  expect(loadConfig({}).PICTURE_ORIGINS).toBeUndefined();
  expect(
    loadConfig({ PICTURE_ORIGINS: "https://a.example, https://b.example:8443" }).PICTURE_ORIGINS,
  ).toEqual(["https://a.example", "https://b.example:8443"]);
  for (const value of [
    "*",
    "http://a.example",
    "https://*.a.example",
    "https://a.example/faces",
    "https://a.example; script-src *",
  ])
    expect(problems({ PICTURE_ORIGINS: value })).toEqual([expect.stringMatching(/^PICTURE_ORIGINS must be/)]);
});

describe("the settings of mails", () => {
  const mail = {
    SMTP_URL: "smtp://mail.example.com",
    MAIL_FROM: "chat@example.com",
    PUBLIC_URL: "https://chat.example.com",
  };
  test.each([
    ["smtp://mail.example.com", { host: "mail.example.com", port: 587, encryption: "starttls" }],
    ["smtps://mail.example.com", { host: "mail.example.com", port: 465, encryption: "tls" }],
    ["smtp://[::1]:25?tls=off", { host: "::1", port: 25, encryption: "none" }],
    [
      "smtps://me%40example.com:p%40ss%2F@mail.example.com:4650",
      {
        host: "mail.example.com",
        port: 4650,
        encryption: "tls",
        auth: { user: "me@example.com", pass: "p@ss/" },
      },
    ],
  ] as const)("SMTP_URL=%s is understood", (SMTP_URL, expected) => {
    expect(loadConfig({ ...mail, SMTP_URL }).SMTP_URL).toEqual(expected);
  });
  test.each([
    "http://mail.example.com",
    "smtp://",
    "smtp://user@mail.example.com",
    "smtp://user:50%@mail.example.com",
    "smtps://mail.example.com?tls=off",
    "smtp://mail.example.com?tls=none",
    "smtp://mail.example.com/path",
    "smtp://mail.example.com#x",
  ])("SMTP_URL=%s is refused, without its value", (SMTP_URL) => {
    const [problem = "", ...others] = problems({ ...mail, SMTP_URL });
    expect(others).toEqual([]);
    expect(problem).toStartWith("SMTP_URL must be a URL such as smtp://user:password@mail.example.com:587");
    expect(problem).not.toContain("50%");
  });
  test.each([
    ["chat@example.com", { name: "", address: "chat@example.com" }],
    ["Example Chat <chat@example.com>", { name: "Example Chat", address: "chat@example.com" }],
    ['"Büro, Chat" <chat@example.com>', { name: "Büro, Chat", address: "chat@example.com" }],
    ["<chat@localhost>", { name: "", address: "chat@localhost" }],
  ])("MAIL_FROM=%s is understood", (MAIL_FROM, expected) => {
    expect(loadConfig({ ...mail, MAIL_FROM }).MAIL_FROM).toEqual(expected);
  });
  test.each([
    "chat",
    "a@b.c, d@e.f",
    "A\r\nBcc: x@example.com <a@example.com>",
    "a@example.com\r\nBcc: b@example.com",
    "Büro <büro@example.com>",
  ])("MAIL_FROM=%j is refused", (MAIL_FROM) => {
    expect(problems({ ...mail, MAIL_FROM })[0]).toStartWith("MAIL_FROM must be an address");
  });
  test("SMTP_URL needs a sender and the public address, and DIGEST_AFTER can be off", () => {
    expect(problems({ SMTP_URL: mail.SMTP_URL })).toEqual([
      "SMTP_URL needs MAIL_FROM, the sender, and PUBLIC_URL, which links in mails begin with",
    ]);
    expect(loadConfig({ DIGEST_AFTER: "off" }).DIGEST_AFTER).toBeUndefined();
    expect(loadConfig({}).DIGEST_AFTER).toBe(4 * 3600_000);
  });

  test("MESSAGE_HOOK_URL needs a secret of Standard Webhooks, and waits for 100ms to 5s", () => {
    const [url, long, short] = ["https://mod.example/", "A".repeat(32), "A".repeat(28)];
    const both = "MESSAGE_HOOK_URL and MESSAGE_HOOK_SECRET must be set together";
    expect(problems({ MESSAGE_HOOK_URL: url })).toEqual([both]);
    expect(problems({ MESSAGE_HOOK_SECRET: `whsec_${long}` })).toEqual([both]);
    for (const secret of [long, `whsec_${short}`, `whsec_${long}, whsec_${long}`])
      expect(problems({ MESSAGE_HOOK_URL: url, MESSAGE_HOOK_SECRET: secret })[0]).toBe(
        "MESSAGE_HOOK_SECRET must be whsec_ and the base64 of 24 to 64 random bytes",
      );
    const set = { MESSAGE_HOOK_URL: url, MESSAGE_HOOK_SECRET: `whsec_${long} whsec_${long}` };
    expect(loadConfig(set).MESSAGE_HOOK_SECRET).toHaveLength(2);
    expect(loadConfig({ ...set, MESSAGE_HOOK_TIMEOUT: "300ms" }).MESSAGE_HOOK_TIMEOUT).toBe(300);
    expect(problems({ ...set, MESSAGE_HOOK_TIMEOUT: "6s" })).toEqual([
      "MESSAGE_HOOK_TIMEOUT must be at most 5s",
    ]);
  });
});

describe("secrets in files", () => {
  const TOKEN = "a-token-of-the-operator";

  /** Writes a file and returns its path. */
  function file(content: string | Uint8Array): string {
    const { path } = temporaryFolder();
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, "secret"), content);
    return join(path, "secret");
  }

  test("each can be read from a file, without the line break at its end", () => {
    expect(IN_FILES.toSorted()).toEqual([
      "ADMIN_TOKEN",
      "DATABASE_URL",
      "FILES_OLD_URL",
      "FILES_URL",
      "FILE_SCAN_URL",
      "JWT_PRIVATE_KEY",
      "MESSAGE_HOOK_SECRET",
      "MESSAGE_HOOK_URL",
      "METRICS_TOKEN",
      "REDIS_URL",
      "SMTP_URL",
    ]);
    for (const name of IN_FILES)
      for (const end of ["", "\n", "\r\n"])
        expect(withSecretFiles({ [`${name}_FILE`]: file(TOKEN + end), HOST: "x" })).toEqual({
          HOST: "x",
          [name]: TOKEN,
        });
    expect(withSecretFiles({ ADMIN_TOKEN_FILE: file("a\n\n") })).toEqual({ ADMIN_TOKEN: "a\n" });
    expect(withSecretFiles({ ADMIN_TOKEN_FILE: "", ADMIN_TOKEN: "x" })).toMatchObject({ ADMIN_TOKEN: "x" });
  });

  test.each<[string, () => Record<string, string>, string]>([
    ["both are set", () => ({ ADMIN_TOKEN: TOKEN, ADMIN_TOKEN_FILE: file(TOKEN) }), "are both set"],
    ["it does not exist", () => ({ ADMIN_TOKEN_FILE: `/nowhere/${TOKEN}` }), "can be read (ENOENT)"],
    ["it is a folder", () => ({ ADMIN_TOKEN_FILE: "/" }), "can be read (EISDIR)"],
    ["it is empty", () => ({ ADMIN_TOKEN_FILE: file("\n") }), "empty"],
    ["it is too large", () => ({ ADMIN_TOKEN_FILE: file("x".repeat(16_385)) }), "at most 16384 bytes"],
    ["it never ends", () => ({ ADMIN_TOKEN_FILE: "/dev/zero" }), "at most 16384 bytes"],
    ["it is not text", () => ({ ADMIN_TOKEN_FILE: file(new Uint8Array([0xff, 0xfe, 0x41])) }), "UTF-8"],
  ])("one line says what is wrong, without the path: %s", (_, env, text) => {
    const read = () => withSecretFiles(env());
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(text);
    expect(read).not.toThrow(TOKEN);
  });

  test("a command reads them, and checks what they contain like any other value", async () => {
    const short = await runParley(["new-epoch"], { METRICS_TOKEN_FILE: file("short\n") });
    expect(short).toEqual({
      code: 1,
      stdout: "",
      stderr: "METRICS_TOKEN must have at least 16 characters\n",
    });
  });
});

test("pushes need a way to reach the operator: PUSH_SUBJECT, or a PUBLIC_URL with https", () => {
  const subject = (env: Record<string, string>) => loadConfig(env).PUSH_SUBJECT;
  expect(subject({})).toBeUndefined();
  expect(subject({ PUBLIC_URL: "http://chat.example.com" })).toBeUndefined();
  expect(subject({ PUBLIC_URL: "https://chat.example.com" })).toBe("https://chat.example.com");
  const given = { PUBLIC_URL: "https://chat.example.com", PUSH_SUBJECT: "mailto:ops@example.com" };
  expect(subject(given)).toBe("mailto:ops@example.com");
  expect(subject({ ...given, PUSH: "off" })).toBeUndefined();
  expect(() => loadConfig({ PUSH_SUBJECT: "ops@example.com" })).toThrow(
    "must begin with mailto: or https://",
  );
});
