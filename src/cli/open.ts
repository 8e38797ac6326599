import type { Config } from "../config/config.ts";
import type { Log } from "../log.ts";
import type { Context } from "./command.ts";

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[?::1\]?|::ffff:127\.\d+\.\d+\.\d+)$/i;

type Settings = Pick<Config, "HOST" | "AUTH_JWKS_URL">;

/**
 * Warns if other machines can reach a server whose operator has not decided who may create an account, and if others on the
 * network could decide who everybody is.
 */
export function warnIfOpen({ HOST, AUTH_JWKS_URL }: Settings, env: Context["env"], log: Log): void {
  if (!env.REGISTRATION && !LOOPBACK.test(HOST))
    log.warn(
      { event: "registration_open" },
      "anyone who can reach this server can create an account: set REGISTRATION to invite or off, or to open if that is intended",
    );
  const keys = AUTH_JWKS_URL === undefined ? undefined : new URL(AUTH_JWKS_URL);
  if (keys?.protocol === "http:" && !LOOPBACK.test(keys.hostname))
    log.warn(
      { event: "keyset_exposed" },
      "the key set of AUTH_JWKS_URL is read without encryption: whoever can change it on its way can sign in as anyone, so use https",
    );
}
