import { ConfigError } from "../config/config.ts";
import { DataDirHeld } from "../db/owner.ts";
import { DataDirUnusable } from "../db/private.ts";
import { DatabaseUnusable } from "../db/unusable.ts";
import { Refusal } from "../errors.ts";
import { CommandError, type Command, type Context } from "./command.ts";
import { apiKey } from "./api-key.ts";
import { audit } from "./audit.ts";
import { backup } from "./backup.ts";
import { chat } from "./chat.ts";
import { deleteRoom } from "./delete-room.ts";
import { doctor } from "./doctor.ts";
import { healthcheck } from "./healthcheck.ts";
import { keys } from "./keys.ts";
import { mailTest } from "./mail-test.ts";
import { newEpoch } from "./new-epoch.ts";
import { reindexMessages } from "./reindex.ts";
import { purge } from "./purge.ts";
import { registrationLink } from "./registration-link.ts";
import { resetPassword } from "./reset-password.ts";
import { withSecretFiles } from "./secret-files.ts";
import { removeMessages } from "./remove-messages.ts";
import { restoreUser } from "./restore-user.ts";
import { revokeKey } from "./revoke-key.ts";
import { rotateKey } from "./rotate-key.ts";
import { server } from "./server.ts";
import { sessions } from "./sessions.ts";
import { user } from "./user.ts";

const COMMANDS: readonly Command[] = [
  server,
  healthcheck,
  doctor,
  backup,
  chat,
  registrationLink,
  user,
  restoreUser,
  removeMessages,
  purge,
  deleteRoom,
  sessions,
  resetPassword,
  keys,
  rotateKey,
  revokeKey,
  newEpoch,
  reindexMessages,
  apiKey,
  audit,
  mailTest,
];

/** Errors whose message tells a person everything. Any other error is a bug and is printed with its stack. */
const EXPECTED = [ConfigError, DataDirHeld, DataDirUnusable, DatabaseUnusable, Refusal, CommandError];

/** Runs the named command, by default `server`. Returns the exit code, which is 2 for an unknown command. */
export async function run(context: Context): Promise<number> {
  const [name = server.name, ...args] = context.args;
  if (name === "--help" || name === "-h" || name === "help") return print(context, help());
  if (name === "--version" || name === "-v") return print(context, context.version);
  const command = COMMANDS.find((known) => known.name === name);
  if (!command) {
    context.err(`Unknown command ${JSON.stringify(name)}: see parley --help`);
    return 2;
  }
  try {
    return await command.run({ ...context, args, env: withSecretFiles(context.env) });
  } catch (error) {
    context.err(expectedIn(error)?.message ?? Bun.inspect(error));
    return 1;
  }
}

/** Returns the first expected error among an error and its causes: Drizzle wraps what the database throws. */
function expectedIn(error: unknown): Error | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if (EXPECTED.some((kind) => cause instanceof kind)) return cause;
  return undefined;
}

function print(context: Context, text: string): number {
  context.out(text);
  return 0;
}

function help(): string {
  const calls = COMMANDS.map(({ name, usage, about }) => [usage ? `${name} ${usage}` : name, about] as const);
  const width = Math.max(...calls.map(([call]) => call.length));
  return [
    "Parley, a chat server.",
    "",
    "Usage: parley [command]",
    "",
    ...calls.map(([call, about]) => `  ${call.padEnd(width)}  ${about}`),
    "",
    "Settings are read from environment variables, which the README lists.",
  ].join("\n");
}
