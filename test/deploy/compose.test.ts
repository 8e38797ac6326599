import { expect, test } from "bun:test";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "../..");
const read = (path: string) => Bun.file(join(ROOT, path)).text();

interface Service {
  readonly profiles?: readonly string[];
  readonly volumes?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

const { services } = Bun.YAML.parse(await read("compose.yaml")) as { services: Record<string, Service> };

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
