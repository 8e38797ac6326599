import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { connect } from "node:net";
import { needs } from "../support/needs.ts";
import { dataFolder, runParley, startParley } from "../support/process.ts";

setDefaultTimeout(30_000);

const NOBODY_LISTENS = "127.0.0.1:1";

let data: Awaited<ReturnType<typeof dataFolder>>;
beforeAll(async () => {
  data = await dataFolder();
});
afterAll(() => data.remove());

const lines = (text: string) => text.trimEnd().split("\n");

describe("a server that cannot start says why in one line and exits with 1", () => {
  test("invalid settings: one line each, without secrets", async () => {
    const ended = await runParley([], { PORT: "eighty", METRICS_TOKEN: "s3cret", AUTH_ISSUER: "x" });
    expect(ended.code).toBe(1);
    expect(lines(ended.stderr).map((line) => line.split(" ")[0])).toEqual([
      "PORT",
      "METRICS_TOKEN",
      "AUTH_JWKS_URL,",
    ]);
    expect(ended.stderr + ended.stdout).not.toContain("s3cret");
  });

  test("a port that is in use", async () => {
    using taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const ended = await runParley([], { PORT: String(taken.port), DATA_DIR: data.path });
    expect(ended.code).toBe(1);
    expect(lines(ended.stderr)).toEqual([
      `Port ${taken.port} of 127.0.0.1 is in use: stop the program that listens there, or set PORT to another port`,
    ]);
  });

  test("an address that is not this machine's", async () => {
    const ended = await runParley([], { HOST: "192.0.2.1", DATA_DIR: data.path });
    expect(ended.code).toBe(1);
    expect(lines(ended.stderr)).toHaveLength(1);
    expect(ended.stderr).toContain("HOST");
  });

  test.each(["postgres", "neon"])("an unreachable database server, through %s", async (driver) => {
    const settings = {
      DATABASE_URL: `postgres://ada:s3cret@${NOBODY_LISTENS}/parley`,
      DATABASE_DRIVER: driver,
      NEON_PROXY: NOBODY_LISTENS,
    };
    const ended = await runParley([], settings);
    expect(ended.code).toBe(1);
    expect(lines(ended.stderr)).toHaveLength(1);
    expect(ended.stderr).toContain("cannot be reached");
    expect(ended.stderr).toContain("DATABASE_URL");
    expect(ended.stderr).not.toContain("s3cret");
  });

  test("a data directory that another process owns: the line names the process", async () => {
    const owner = await startParley({ DATA_DIR: data.path });
    const ended = await runParley([], { DATA_DIR: data.path });
    await owner.end();
    expect(ended.code).toBe(1);
    expect(lines(ended.stderr)).toHaveLength(1);
    expect(ended.stderr).toContain(`process ${owner.pid} `);
  });
});

needs("TEST_DATABASE_URL")("a Postgres server that rejects the connection", () => {
  const url = (change: (url: URL) => void) => {
    const changed = new URL(process.env.TEST_DATABASE_URL ?? "");
    change(changed);
    return changed.href;
  };

  test("a database that does not exist", async () => {
    const ended = await runParley([], { DATABASE_URL: url((u) => (u.pathname = "/parley_no_such")) });
    expect(ended).toMatchObject({ code: 1, stdout: "" });
    expect(lines(ended.stderr)).toEqual([
      expect.stringContaining("The database parley_no_such does not exist"),
    ]);
  });

  test("an unknown user", async () => {
    const ended = await runParley([], { DATABASE_URL: url((u) => (u.username = "parley_no_such")) });
    expect(ended).toMatchObject({ code: 1, stdout: "" });
    expect(lines(ended.stderr)).toEqual([expect.stringContaining("rejected the user or the password")]);
  });
});

describe("a running server", () => {
  test("reports where it listens", async () => {
    const server = await startParley({ DATA_DIR: data.path });
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    await server.end();
  });

  test.each(["SIGTERM", "SIGINT"] as const)("stops on %s and exits with 0", async (signal) => {
    const server = await startParley({ DATA_DIR: data.path });
    expect(await server.end(signal)).toMatchObject({ code: 0, stderr: "" });
  });

  test("ends at once on the second signal", async () => {
    const server = await startParley({ DATA_DIR: data.path });
    const { hostname, port } = new URL(server.url);
    // A request whose body never ends, which a stopping server waits for.
    const stuck = connect({ host: hostname, port: Number(port) });
    stuck.on("error", () => {});
    const head =
      "POST /account/login/ HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n";
    await new Promise((resolve) => stuck.write(head, resolve));
    await fetch(`${server.url}/healthz`);
    process.kill(server.pid, "SIGTERM");
    await server.line("stopping");
    expect(await server.end("SIGTERM")).toMatchObject({ code: 143 });
    stuck.destroy();
  });

  test("keeps its key and acknowledged changes when it is killed", async () => {
    const first = await startParley({ DATA_DIR: data.path });
    const account = { email: "ada@example.com", password: "correct horse", password2: "correct horse" };
    const post = (url: string, body: object) =>
      fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
    const keys = async (url: string) => (await fetch(`${url}/.well-known/jwks.json`)).json();
    expect((await post(`${first.url}/account/reg/`, account)).status).toBe(201);
    const before = await keys(first.url);
    await first.end("SIGKILL");

    const second = await startParley({ DATA_DIR: data.path });
    expect(await keys(second.url)).toEqual(before);
    expect((await post(`${second.url}/account/login/`, account)).status).toBe(200);
    await second.end();
  });
});
