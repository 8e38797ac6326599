import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  setDefaultTimeout,
  test,
} from "bun:test";
import { createScanner } from "../../src/files/scanner.ts";
import { api } from "../support/api.ts";
import { handClock } from "../support/hand-clock.ts";
import { START_MS } from "../support/house.ts";
import { type Person, register } from "../support/people.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

// Files are kept back until the operator's scanner has cleared them.

const EICAR = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*";

/** A scanner that rejects the test virus, unless `respond` says something else. */
let respond: ((content: string) => Response | Promise<Response>) | undefined;
let scanned: string[] = [];
const scanner = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  async fetch(request) {
    const content = await request.text();
    scanned.push(content);
    return respond ? respond(content) : Response.json({ clean: !content.includes("EICAR") });
  },
});
afterAll(() => scanner.stop(true));
afterEach(() => {
  respond = undefined;
  scanned = [];
});

describe("a server with a scanner", () => {
  let server: TestServer;
  let ada: Person;
  let room: string;
  beforeAll(async () => {
    server = await startTestServer({
      FILE_SCAN_URL: `${scanner.url}scan?key=x`,
      BUDGETS: "0",
      METRICS_TOKEN: "token-of-an-operator",
    });
    ada = await register(server, "ada");
  }, START_MS);
  afterAll(() => server.stop());
  beforeEach(async () => {
    room = `r-${crypto.randomUUID()}`;
    await api(server, `POST /rooms/${room}/messages/`, { token: ada.token, body: { content: "hello" } });
  });

  interface Shown {
    readonly id: string;
    readonly held?: true;
    readonly code?: string;
  }
  const call = async (method: string, clientId: string, body?: string) => {
    const response = await fetch(`${server.url}/rooms/${room}/files/${clientId}/`, {
      method,
      headers: { authorization: `Bearer ${ada.token}` },
      ...(body !== undefined && { body }),
    });
    const text = await response.text();
    return { status: response.status, body: (text === "" ? {} : JSON.parse(text)) as Shown };
  };
  const send = (id: string) =>
    api(server, `POST /rooms/${room}/messages/`, {
      token: ada.token,
      body: { content: "", files: [{ id }] },
    });
  const offered = async (id: string) =>
    (await api(server, `GET /rooms/${room}/files/?ids=${id}`, { token: ada.token })).body as object[];

  test("takes a clean file as usual", async () => {
    const { status, body } = await call("PUT", crypto.randomUUID(), "hello");
    expect([status, body.held, scanned]).toEqual([201, undefined, ["hello"]]);
    expect(await offered(body.id)).toHaveLength(1);
    expect((await send(body.id)).status).toBe(201);
  });

  test("refuses an infected one, and removes it", async () => {
    const key = crypto.randomUUID();
    const { status, body } = await call("PUT", key, EICAR);
    expect([status, body.code]).toEqual([422, "file_rejected"]);
    expect(await call("GET", key)).toMatchObject({ status: 422, body: { code: "file_rejected" } });
    // A repeat is scanned again, because scanners learn.
    respond = () => Response.json({ clean: true });
    expect((await call("PUT", key, EICAR)).status).toBe(201);
  });

  test("keeps a file back while the scanner is away, tells its uploader, and lets it go later", async () => {
    respond = () => new Response("overloaded", { status: 503 });
    const key = crypto.randomUUID();
    const { status, body } = await call("PUT", key, "patience");
    expect([status, body.held]).toEqual([202, true]);
    expect(await offered(body.id)).toEqual([]);
    expect(await send(body.id)).toMatchObject({
      status: 409,
      body: { code: "file_held", retryable: true, retryAfterMs: 5_000 },
    });
    expect(await call("PUT", key, "patience")).toMatchObject({ status: 202, body: { held: true } });
    respond = undefined;
    await until(async () => (await call("GET", key)).body.held === undefined, 45_000);
    expect((await send(body.id)).status).toBe(201);
    const metrics = await fetch(`${server.url}/metrics`, {
      headers: { authorization: "Bearer token-of-an-operator" },
    });
    expect(await metrics.text()).toMatch(/parley_scans_total\{outcome="failed"\} [1-9]/);
  });

  test("rejects a file that it kept back, if it turns out to be infected", async () => {
    respond = () => new Response("overloaded", { status: 503 });
    const key = crypto.randomUUID();
    const { body } = await call("PUT", key, EICAR);
    expect(body.held).toBe(true);
    respond = undefined;
    await until(async () => (await call("GET", key)).status === 422, 45_000);
    expect(await send(body.id)).toMatchObject({ status: 422, body: { code: "file_rejected" } });
    expect(await offered(body.id)).toEqual([]);
  });

  test("keeps nothing back that was given up", async () => {
    respond = () => new Response("overloaded", { status: 503 });
    const key = crypto.randomUUID();
    await call("PUT", key, "never mind");
    expect((await call("DELETE", key)).status).toBe(204);
    expect((await call("GET", key)).status).toBe(404);
  });
});

describe("a scanner", () => {
  const ask = (url = scanner.url.href, clock = handClock().clock) =>
    createScanner(url, clock)(new Blob(["content"]), 7).then(
      (verdict) => verdict,
      (error: Error) => error.message,
    );

  test.each([
    [
      "that redirects",
      () => Response.redirect(`${scanner.url}elsewhere`),
      "the scanner responded with status 302",
    ],
    [
      "that says too much",
      () => new Response("x".repeat(5_000)),
      "the scanner responded with more than 4096 bytes",
    ],
    [
      "that says something else",
      () => Response.json({ ok: true }),
      "the scanner did not say whether the file is clean",
    ],
    ["that says nothing", () => new Response(""), expect.any(String)],
    ["that fails", () => new Response("", { status: 500 }), "the scanner responded with status 500"],
  ])("%s has no verdict", async (_, answer, message) => {
    respond = answer as () => Response;
    expect(await ask()).toEqual(message as string);
    expect(scanned).toEqual(["content"]);
  });

  test("that takes too long has no verdict", async () => {
    const { clock, pass } = handClock();
    const { promise, resolve } = Promise.withResolvers<Response>();
    respond = () => promise;
    const asked = ask(undefined, clock);
    await until(() => scanned.length === 1);
    pass(31_001);
    expect(await asked).toBe("the scanner took too long");
    resolve(Response.json({ clean: true }));
  });

  test("that is not there has no verdict", async () => {
    expect(await ask("http://127.0.0.1:9/")).not.toBe("clean");
  });
});
