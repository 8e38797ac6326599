import { describe, test } from "bun:test";
import { existsSync } from "node:fs";
import { findRedis } from "../faults/redis.ts";

/**
 * What not every machine has: servers named by an environment variable, programs, and Unicode's tables. `TEST_REGISTRY=1`
 * means that packages may be installed from the npm registry.
 */
export type Need =
  | "TEST_DATABASE_URL"
  | "TEST_REDIS_URL"
  | "TEST_REGISTRY"
  | "chromium"
  | "redis-server"
  | "nginx"
  | "haproxy"
  | "caddy"
  | "pgbouncer"
  | "promtool"
  | "exiftool"
  | "unicode-data"
  | "python3-websockets";

/** Returns the path of Chromium: CHROMIUM if set, or else the one on PATH. */
export const chromiumPath = (): string | undefined =>
  process.env.CHROMIUM || Bun.which("chromium") || Bun.which("chromium-browser") || undefined;

/** The folder of Debian's package unicode-data. */
export const UNICODE_DATA = "/usr/share/unicode";

const PROGRAMS: ReadonlySet<Need> = new Set([
  "nginx",
  "haproxy",
  "caddy",
  "pgbouncer",
  "promtool",
  "exiftool",
]);

/** Debian's Python, for which python3-websockets is installed. PYTHON overrides it. */
export const PYTHON = process.env.PYTHON ?? "/usr/bin/python3";

const hasWebsockets = () =>
  Bun.which(PYTHON) !== null &&
  Bun.spawnSync([PYTHON, "-c", "import websockets"], { stderr: "ignore" }).success;

const has = (need: Need) => {
  if (need === "python3-websockets") return hasWebsockets();
  if (need === "chromium") return chromiumPath() !== undefined;
  if (need === "redis-server") return findRedis() !== undefined;
  if (need === "unicode-data") return existsSync(UNICODE_DATA);
  if (PROGRAMS.has(need)) return Bun.which(need) !== null;
  return Boolean(process.env[need]);
};

/**
 * `describe` for tests that need more than Bun: `needs("TEST_REDIS_URL")("the bus", () => …)`. If something is missing
 * they are skipped, with a line that names it; with CI=true they fail. The titles of those that need a service end in
 * "(needs TEST_REDIS_URL)", so that `bun test -t "\(needs TEST_"` runs them and no others.
 */
export function needs(...wanted: readonly Need[]): (name: string, tests: () => void) => void {
  const services = wanted.filter((need) => need.startsWith("TEST_")).join(" and ");
  const missing = wanted.filter((need) => !has(need)).join(" and ");
  const titled = (name: string) => (services ? `${name} (needs ${services})` : name);
  if (!missing) return (name, tests) => describe(titled(name), tests);
  if (process.env.CI !== "true") return (name) => test.skip(`${name} (skipped: needs ${missing})`, () => {});
  return (name) =>
    test(titled(name), () => {
      throw new Error(`needs ${missing}, and with CI=true nothing is skipped`);
    });
}
