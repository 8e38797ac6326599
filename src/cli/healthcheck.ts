import { loadConfig } from "../config.ts";
import type { Command } from "./command.ts";

const LIMIT_MS = 3_000;

/** The addresses that mean "all of this machine", and where it is then reached from within. */
const LOOPBACK: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

export const healthcheck: Command = {
  name: "healthcheck",
  about: "Ask the server at HOST and PORT whether it is well; exit code 0 or 1",
  async run({ env, err }) {
    const { HOST, PORT } = loadConfig(env);
    const host = LOOPBACK[HOST] ?? HOST;
    const url = `http://${host.includes(":") ? `[${host}]` : host}:${PORT}/healthz`;
    try {
      const { ok, status } = await fetch(url, { signal: AbortSignal.timeout(LIMIT_MS) });
      if (!ok) err(`${url} answers ${status}`);
      return ok ? 0 : 1;
    } catch (error) {
      const { code, message } = error as Error & { code?: string | number };
      err(`${url} does not answer (${typeof code === "string" ? code : message})`);
      return 1;
    }
  },
};
