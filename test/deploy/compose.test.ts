import { expect, test } from "bun:test";
import { join } from "node:path";
import { IN_FILES, loadConfig, SETTINGS } from "../../src/config/config.ts";
import { freePort } from "../support/port.ts";
import { findRedis } from "../faults/redis.ts";
import { needs } from "../support/needs.ts";
import { until } from "../support/until.ts";

const ROOT = join(import.meta.dir, "../..");
const read = (path: string) => Bun.file(join(ROOT, path)).text();

interface Service {
  readonly profiles?: readonly string[];
  readonly volumes?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly networks?: readonly string[];
  readonly command?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
}

const { services, networks } = Bun.YAML.parse(await read("compose.yaml")) as {
  services: Record<string, Service>;
  networks: Record<string, { internal?: boolean } | null>;
};

/** Replaces variables as Compose does: `${NAME-}`, `${NAME:-default}`, `${NAME:?error}` and `$$`. */
function interpolate(text: string, env: Readonly<Record<string, string>>): string {
  const innermost = /\$\{(\w+)(-|:-|:\?)([^${}]*)\}/;
  let result = text;
  for (let found = innermost.exec(result); found; found = innermost.exec(result)) {
    const [whole, name = "", operator, rest = ""] = found;
    if (operator === ":?" && !env[name]) throw new Error(`${name}: ${rest}`);
    result = result.replace(whole, () => env[name] || rest);
  }
  return result.replaceAll("$$", "$");
}

const PASSWORDS = { POSTGRES_PASSWORD: "postgres-secret", REDIS_PASSWORD: "redis-secret" };
/** Returns the environment of the server's container. */
const environmentOf = (env: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(services.parley?.environment ?? {}).map(([name, value]) => [
      name,
      interpolate(value, env),
    ]),
  );

test("compose runs one node by default, and two nodes with a proxy in the profile `nodes`", () => {
  const names = (profile?: string) =>
    Object.keys(services).filter((name) => services[name]?.profiles?.includes(profile ?? "") ?? true);
  expect(names()).toEqual(["parley", "postgres", "redis"]);
  expect(names("nodes")).toEqual(["parley", "parley-2", "proxy", "postgres", "redis"]);
  expect(services["parley-2"]?.environment).toEqual(services.parley?.environment as never);
});

test("the proxy mounts its configuration, and both configurations name both nodes", async () => {
  const [volume = ""] = services.proxy?.volumes ?? [];
  const [file = ""] = volume.split(":");
  for (const path of [file, "deploy/haproxy.cfg"]) {
    const nodes = [...(await read(path)).matchAll(/server .*?([\w-]+):3000/g)].map(([, name]) => name);
    expect(nodes).toEqual(["parley", "parley-2"]);
  }
});

// REGISTRATION=off in the shell did nothing, because compose.yaml did not pass it on.
test("compose passes every setting on, and by itself leaves them at their defaults", () => {
  // HOST and PORT are the published address. The data is in Postgres. The URLs contain the passwords.
  const elsewhere = ["HOST", "PORT", "DATA_DIR", "DATABASE_URL_FILE", "REDIS_URL_FILE"];
  const passed = Object.entries(services.parley?.environment ?? {});
  expect(passed.map(([name]) => name).toSorted()).toEqual(
    [...Object.keys(SETTINGS), ...IN_FILES.map((name) => `${name}_FILE`)]
      .filter((name) => !elsewhere.includes(name))
      .toSorted(),
  );
  for (const [name] of passed)
    expect(environmentOf({ ...PASSWORDS, [name]: "as-it-was-set" })[name]).toBe("as-it-was-set");
  expect(loadConfig(environmentOf(PASSWORDS))).toEqual(
    loadConfig({
      DATABASE_URL: "postgres://parley:postgres-secret@postgres:5432/parley",
      REDIS_URL: "redis://:redis-secret@redis:6379",
    }),
  );
});

test("compose does not start without a password for Postgres and one for Redis", () => {
  const all = JSON.stringify(services);
  expect(() => interpolate(all, PASSWORDS)).not.toThrow();
  expect(() => interpolate(all, { ...PASSWORDS, POSTGRES_PASSWORD: "" })).toThrow("POSTGRES_PASSWORD");
  expect(() => interpolate(all, { ...PASSWORDS, REDIS_PASSWORD: "" })).toThrow("REDIS_PASSWORD");
});

test("compose publishes ports only on this machine, unless HOST or PROXY says otherwise", () => {
  const published = (env: Readonly<Record<string, string>>) =>
    Object.values(services).flatMap(({ ports = [] }) => ports.map((port) => interpolate(port, env)));
  expect(published({})).toEqual(["127.0.0.1:3000:3000", "127.0.0.1:8080:8080"]);
  expect(published({ HOST: "0.0.0.0", PORT: "80", PROXY: "0.0.0.0:81" })).toEqual([
    "0.0.0.0:80:3000",
    "0.0.0.0:81:8080",
  ]);
});

test("every container is read-only and without capabilities or new privileges", () => {
  for (const [name, service] of Object.entries(services))
    expect({ name, ...service }).toMatchObject({
      name,
      read_only: true,
      cap_drop: ["ALL"],
      security_opt: ["no-new-privileges:true"],
    });
});

test("only the servers reach Postgres and Redis, which reach nothing outside", () => {
  const reachable = (from: string) =>
    Object.keys(services).filter(
      (name) =>
        name !== from &&
        services[name]?.networks?.some((network) => services[from]?.networks?.includes(network)),
    );
  expect(reachable("postgres")).toEqual(["parley", "parley-2"]);
  expect(reachable("redis")).toEqual(["parley", "parley-2"]);
  for (const name of ["postgres", "redis"])
    expect(services[name]?.networks?.map((network) => networks[network]?.internal)).toEqual([true]);
});

needs("redis-server")("the Redis of compose.yaml", () => {
  test("accepts only clients with the password, and its health check has it", async () => {
    const port = await freePort();
    const [shell = "", option = "", script = ""] = services.redis?.command ?? [];
    const [, check = ""] = services.redis?.healthcheck?.test ?? [];
    const env = { PATH: process.env.PATH ?? "", REDIS_PASSWORD: PASSWORDS.REDIS_PASSWORD };
    const command = interpolate(script, {}).replace("redis-server -", `${findRedis()} - --port ${port}`);
    const redis = Bun.spawn([shell, option, command], { env, stdout: "ignore", stderr: "ignore" });
    const ping = (url: string) =>
      new Bun.RedisClient(url, { autoReconnect: false }).ping().catch((error: Error) => error);
    try {
      await until(
        async () => (await ping(`redis://:${PASSWORDS.REDIS_PASSWORD}@127.0.0.1:${port}`)) === "PONG",
      );
      expect(await ping(`redis://127.0.0.1:${port}`)).toBeInstanceOf(Error);
      const healthy = (password: string) =>
        Bun.spawnSync(["sh", "-c", interpolate(check, {}).replace("redis-cli", `redis-cli -p ${port}`)], {
          env: { ...env, REDIS_PASSWORD: password },
          stderr: "ignore",
        }).success;
      if (Bun.which("redis-cli"))
        expect([healthy(env.REDIS_PASSWORD), healthy("wrong")]).toEqual([true, false]);
    } finally {
      redis.kill();
      await redis.exited;
    }
  });
});
