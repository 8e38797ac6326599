import type { Config } from "../config/config.ts";
import type { Log } from "../log.ts";
import type { Context } from "./command.ts";

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1|::ffff:127\.\d+\.\d+\.\d+)$/i;

/** Warns if other machines can reach a server whose operator has not decided who may create an account. */
export function warnIfOpen({ HOST }: Pick<Config, "HOST">, env: Context["env"], log: Log): void {
  if (env.REGISTRATION || LOOPBACK.test(HOST)) return;
  log.warn(
    { event: "registration_open" },
    "anyone who can reach this server can create an account: set REGISTRATION to invite or off, or to open if that is intended",
  );
}
