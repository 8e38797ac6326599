import { loadConfig } from "../config/config.ts";
import type { Command } from "./command.ts";

const LIMIT_MS = 3_000;

/** Wildcard addresses, and the loopback address that reaches a server listening on them. */
const LOOPBACK: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

export const healthcheck: Command = {
  name: "healthcheck",
  about: "Check the server at HOST and PORT; exit code 0 if it is healthy, otherwise 1",
  async run({ env, err }) {
    const { HOST, PORT } = loadConfig(env);
    const host = LOOPBACK[HOST] ?? HOST;
    const url = `http://${host.includes(":") ? `[${host}]` : host}:${PORT}/healthz`;
    try {
      const { ok, status } = await fetch(url, { signal: AbortSignal.timeout(LIMIT_MS) });
      if (!ok) err(`${url} returned status ${status}`);
      return ok ? 0 : 1;
    } catch (error) {
      const { code, message } = error as Error & { code?: string | number };
      err(`${url} does not respond (${typeof code === "string" ? code : message})`);
      return 1;
    }
  },
};
