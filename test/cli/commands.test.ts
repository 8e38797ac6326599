import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { hostname } from "node:os";
import { version } from "../../package.json";
import { dataFolder, type Ended, type Running, runParley, startParley } from "../support/process.ts";

setDefaultTimeout(30_000);

let data: Awaited<ReturnType<typeof dataFolder>>;
beforeAll(async () => {
  data = await dataFolder();
});
afterAll(() => data.remove());

const settings = () => ({ DATA_DIR: data.path });
const parley = (...args: string[]) => runParley(args, settings());

const post = (url: string, body: object) =>
  fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });

describe("the program", () => {
  test("lists its commands", async () => {
    const { code, stdout } = await runParley(["--help"]);
    expect(code).toBe(0);
    for (const command of ["server", "healthcheck", "reset-password", "rotate-key", "new-epoch"])
      expect(stdout).toContain(`  ${command} `);
  });

  test("prints its version", async () => {
    expect(await runParley(["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  });

  test("rejects an unknown command", async () => {
    const { code, stderr } = await runParley(["serve"]);
    expect(code).toBe(2);
    expect(stderr).toBe('Unknown command "serve": see parley --help\n');
  });
});

const ada = { email: "ada@example.com", password: "correct horse", password2: "correct horse" };
const login = async (url: string, password: string) =>
  (await post(`${url}/account/login/`, { email: ada.email, password })).status;
const kids = async (url: string) => {
  const { keys } = (await (await fetch(`${url}/.well-known/jwks.json`)).json()) as {
    keys: { kid: string }[];
  };
  return keys.map(({ kid }) => kid);
};

describe("healthcheck", () => {
  test("exits with 1 and one line if nothing responds", async () => {
    const { code, stderr } = await runParley(["healthcheck"], { PORT: "1" });
    expect(code).toBe(1);
    expect(stderr).toBe("http://127.0.0.1:1/healthz does not respond (ECONNREFUSED)\n");
  });
});

// The commands open the database, so the server starts only before and after them.
describe("on the data of a server", () => {
  let server: Running;
  let old: string[];

  beforeAll(async () => {
    server = await startParley(settings());
    expect((await post(`${server.url}/account/reg/`, ada)).status).toBe(201);
    old = await kids(server.url);
  });

  test("healthcheck exits with 0 if the server is healthy", async () => {
    const { port: PORT } = new URL(server.url);
    expect(await runParley(["healthcheck"], { PORT })).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(await runParley(["healthcheck"], { PORT, HOST: "0.0.0.0" })).toMatchObject({ code: 0 });
  });

  test("reset-password requires the server to be stopped, and names its process", async () => {
    const { code, stderr } = await parley("reset-password", ada.email);
    expect(code).toBe(1);
    expect(stderr).toContain(`process ${server.pid} `);
  });

  test("reset-password sets the password from standard input", async () => {
    await server.end();
    const reset = await runParley(["reset-password", "Ada@Example.com"], settings(), "battery staple\n");
    expect(reset).toEqual({ code: 0, stdout: "The password is set.\n", stderr: "" });
    server = await startParley(settings());
    expect(await login(server.url, "battery staple")).toBe(200);
    expect(await login(server.url, ada.password)).toBe(401);
    await server.end();
  });

  test("reset-password rejects a password that is too short and an unknown email", async () => {
    expect(await runParley(["reset-password", ada.email], settings(), "short")).toMatchObject({ code: 1 });
    expect(await parley("reset-password", "eve@example.com")).toEqual({
      code: 1,
      stdout: "",
      stderr: "No account has that email\n",
    });
    expect(await parley("reset-password")).toMatchObject({ code: 1 });
  });

  test("rotate-key does not replace a configured key", async () => {
    const ended = await runParley(["rotate-key"], { ...settings(), JWT_PRIVATE_KEY: "{}" });
    expect(ended.code).toBe(1);
    expect(ended.stderr).toBe("The key comes from JWT_PRIVATE_KEY: change it there\n");
  });

  test("new-epoch creates a different epoch each time", async () => {
    const [first, second] = [await parley("new-epoch"), await parley("new-epoch")];
    expect([first.code, second.code]).toEqual([0, 0]);
    expect(first.stdout).not.toBe(second.stdout);
  });

  test("reindex has all messages indexed again, or removes the index if the search is off", async () => {
    expect(await parley("reindex")).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("index all messages again"),
    });
    const off = await runParley(["reindex"], { ...settings(), SEARCH: "off" });
    expect(off).toMatchObject({
      code: 0,
      stdout: "The index is removed. Servers with SEARCH=off write none.\n",
    });
  });

  test("the audit says who ran which command on which machine", async () => {
    const reset = () =>
      runParley(
        ["reset-password", "ada@example.com"],
        { ...settings(), SUDO_USER: "grace", USER: "nobody" },
        "correct staple",
      );
    expect(await reset()).toMatchObject({ code: 0 });
    expect(await parley("rotate-key")).toMatchObject({ code: 0 });
    expect(await parley("new-epoch")).toMatchObject({ code: 0 });
    const { stdout } = await parley("audit", "3");
    const entries = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const username = (await Bun.$`id -un`.text()).trim();
    const here = { via: "cli", address: hostname(), actor: username, room: null, reason: "" };
    expect(entries).toMatchObject([
      { ...here, action: "epoch.renew", username: null },
      { ...here, action: "key.rotate", target: expect.stringMatching(/^[\w-]{43}$/) },
      { ...here, action: "password.reset", username: "ada", actor: username === "root" ? "grace" : username },
    ]);
    expect(await parley("audit", "0")).toMatchObject({ code: 1, stderr: "Usage: parley audit [count]\n" });
  }, 30_000);

  describe("that starts again", () => {
    let reset: Ended;
    let rotated: Ended;
    beforeAll(async () => {
      [reset, rotated] = [await parley("reset-password", ada.email), await parley("rotate-key")];
      server = await startParley(settings());
    });
    afterAll(() => server.end());

    test("reset-password has generated a password if none was given", async () => {
      const [, password = ""] = /^The password is (\S{22})\n$/.exec(reset.stdout) ?? [];
      expect(await login(server.url, password)).toBe(200);
    });

    test("rotate-key has added a key, and the previous ones are still published", async () => {
      expect(rotated.code).toBe(0);
      const after = await kids(server.url);
      expect(after).toEqual(expect.arrayContaining(old));
      expect(after.some((kid) => !old.includes(kid) && rotated.stdout.includes(kid))).toBe(true);
    });
  });
});
