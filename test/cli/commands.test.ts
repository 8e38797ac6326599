import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { version } from "../../package.json";
import { dataFolder, runParley, startParley } from "../support/process.ts";

setDefaultTimeout(30_000);

let data: Awaited<ReturnType<typeof dataFolder>>;
beforeAll(async () => {
  data = await dataFolder();
});
afterAll(() => data.remove());

const settings = () => ({ DATA_DIR: data.path });

async function withServer<T>(work: (server: { url: string; pid: number }) => Promise<T>): Promise<T> {
  const server = await startParley(settings());
  try {
    return await work(server);
  } finally {
    await server.end();
  }
}

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

describe("healthcheck", () => {
  test("exits with 0 if the server is healthy", async () => {
    await withServer(async ({ url }) => {
      const { port } = new URL(url);
      expect(await runParley(["healthcheck"], { PORT: port })).toEqual({ code: 0, stdout: "", stderr: "" });
      expect(await runParley(["healthcheck"], { PORT: port, HOST: "0.0.0.0" })).toMatchObject({ code: 0 });
    });
  });

  test("exits with 1 and one line if nothing responds", async () => {
    const { code, stderr } = await runParley(["healthcheck"], { PORT: "1" });
    expect(code).toBe(1);
    expect(stderr).toBe("http://127.0.0.1:1/healthz does not respond (ECONNREFUSED)\n");
  });
});

describe("reset-password", () => {
  const ada = { email: "ada@example.com", password: "correct horse", password2: "correct horse" };
  const login = (password: string) =>
    withServer(
      async ({ url }) => (await post(`${url}/account/login/`, { email: ada.email, password })).status,
    );

  beforeAll(async () => {
    await withServer(async ({ url }) => expect((await post(`${url}/account/reg/`, ada)).status).toBe(201));
  });

  test("sets the password from standard input", async () => {
    const reset = await runParley(["reset-password", "Ada@Example.com"], settings(), "battery staple\n");
    expect(reset).toEqual({ code: 0, stdout: "The password is set.\n", stderr: "" });
    expect(await login("battery staple")).toBe(200);
    expect(await login(ada.password)).toBe(401);
  });

  test("generates a password if none is given", async () => {
    const { stdout } = await runParley(["reset-password", ada.email], settings());
    const [, password = ""] = /^The password is (\S{16})\n$/.exec(stdout) ?? [];
    expect(await login(password)).toBe(200);
  });

  test("rejects a password that is too short and an unknown email", async () => {
    expect(await runParley(["reset-password", ada.email], settings(), "short")).toMatchObject({ code: 1 });
    expect(await runParley(["reset-password", "eve@example.com"], settings())).toEqual({
      code: 1,
      stdout: "",
      stderr: "No account has that email\n",
    });
    expect(await runParley(["reset-password"], settings())).toMatchObject({ code: 1 });
  });

  test("requires the server to be stopped, and names its process", async () => {
    await withServer(async ({ pid }) => {
      const { code, stderr } = await runParley(["reset-password", ada.email], settings());
      expect(code).toBe(1);
      expect(stderr).toContain(`process ${pid} `);
    });
  });
});

describe("rotate-key", () => {
  test("adds a key and keeps publishing the previous one", async () => {
    const kids = () =>
      withServer(async ({ url }) => {
        const { keys } = (await (await fetch(`${url}/.well-known/jwks.json`)).json()) as {
          keys: { kid: string }[];
        };
        return keys.map(({ kid }) => kid);
      });
    const [old = ""] = await kids();
    const { code, stdout } = await runParley(["rotate-key"], settings());
    expect(code).toBe(0);
    const after = await kids();
    expect(after).toContain(old);
    expect(after.some((kid) => stdout.includes(kid))).toBe(true);
  });

  test("does not replace a configured key", async () => {
    const ended = await runParley(["rotate-key"], { ...settings(), JWT_PRIVATE_KEY: "{}" });
    expect(ended.code).toBe(1);
    expect(ended.stderr).toBe("The key comes from JWT_PRIVATE_KEY: change it there\n");
  });
});

describe("new-epoch", () => {
  test("creates a different epoch each time", async () => {
    const [first, second] = [
      await runParley(["new-epoch"], settings()),
      await runParley(["new-epoch"], settings()),
    ];
    expect([first.code, second.code]).toEqual([0, 0]);
    expect(first.stdout).not.toBe(second.stdout);
  });
});
