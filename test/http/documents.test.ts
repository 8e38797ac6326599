import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Parser } from "@asyncapi/parser";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Hono } from "hono";
import { type AsyncApi, asyncApiOf } from "../../src/http/documents/asyncapi.ts";
import { type OpenApi, openApiOf } from "../../src/http/documents/openapi.ts";
import { CLOSE, ERRORS } from "../../src/protocol/codes.ts";
import { COMMANDS, SERVER_FRAMES } from "../../src/protocol/frames.ts";
import { api } from "../support/api.ts";
import { holdExchange } from "../support/contract.ts";
import { watchV1 } from "../support/frames.ts";
import { house, START_MS } from "../support/house.ts";
import { everyRoute } from "../support/routes.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

const TOKENS = { ADMIN_TOKEN: "a".repeat(32), METRICS_TOKEN: "m".repeat(32) };
/** With a mail server, whether it is there or not, there are more routes. */
const MAIL = {
  SMTP_URL: "smtp://127.0.0.1:1?tls=off",
  MAIL_FROM: "chat@example.com",
  PUBLIC_URL: "https://chat.example.com",
};

let server: TestServer;
let openapi: OpenApi;
let asyncapi: AsyncApi;
let page: string;

beforeAll(async () => {
  server = await startTestServer({ ...TOKENS, ...MAIL });
  const read = async (path: string) => await api(server, `GET ${path}`);
  openapi = (await read("/openapi.json")).body as OpenApi;
  asyncapi = (await read("/asyncapi.json")).body as AsyncApi;
  page = (await read("/docs")).text;
}, START_MS);
afterAll(() => server.stop());

const operations = () =>
  Object.entries(openapi.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );

describe("/openapi.json", () => {
  test("is valid OpenAPI 3.1", async () => {
    expect(await new Validator().validate(structuredClone(openapi))).toEqual({ valid: true });
    expect(openapi.openapi).toBe("3.1.0");
  });

  test("contains every served route, and only one spelling of it", () => {
    const served = everyRoute().filter(({ method, path }) => method !== "ALL" && !path.includes("//"));
    const routes = new Set(served.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`));
    const described = operations().map(({ method, path }) => `${method} ${path}`);
    expect(described.toSorted()).toEqual([...routes].sort());
    expect(openapi).toEqual(JSON.parse(JSON.stringify(openApiOf(everyRoute(), "test"))));
  });

  test("contains no route that is not served", async () => {
    for (const { method, path } of operations()) {
      const answer = await fetch(server.url + path.replace(/\{\w+\}/g, "1"), { method });
      // A route whose path has a secret says by itself that there is none like it.
      const isMissing = /\{secret\}/.test(path)
        ? ((await answer.json()) as { detail: string }).detail === ERRORS.not_found.text
        : [404, 405].includes(answer.status);
      expect([path, isMissing]).toEqual([path, false]);
    }
    expect(operations().length).toBeGreaterThan(25);
  });

  test("cannot be generated if a route has no description", () => {
    const bare = new Hono().get("/bare", (c) => c.text(""));
    expect(() => openApiOf(bare.routes, "test")).toThrow("no description of GET /bare");
  });

  test("names every path parameter, and every operation only once", () => {
    for (const { path, operation } of operations()) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
      const named = (operation.parameters ?? []).filter((one) => one.in === "path").map(({ name }) => name);
      expect([path, named.sort()]).toEqual([path, inPath.sort()]);
    }
    const ids = operations().map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("states the required token of each route, and the route requires it", async () => {
    for (const { method, path, operation } of operations()) {
      const wanted = operation.security.length > 0;
      const { status } = await fetch(server.url + path.replace(/\{\w+\}/g, "1"), { method });
      expect([method, path, status === 401]).toEqual([method, path, wanted]);
    }
  });

  test("does not mention the metrics if they are off", async () => {
    const { server: plain } = await house();
    const { text } = await api(plain, "GET /openapi.json");
    expect(/metrics/i.exec(text)?.[0]).toBeUndefined();
    expect((await api(plain, "GET /docs")).text.match(/metrics/gi)).toBeNull();
  });
});

describe("/asyncapi.json", () => {
  test("is valid AsyncAPI 3", async () => {
    const { document, diagnostics } = await new Parser().parse(JSON.stringify(asyncapi));
    const warnings = diagnostics.filter(
      ({ severity, code }) => severity < 2 || code !== "asyncapi-latest-version",
    );
    expect(warnings).toEqual([]);
    expect(document?.version()).toBe("3.0.0");
  }, 20_000);

  test("contains every command with its reply, and every frame of the server", () => {
    const names = Object.keys(asyncapi.components.messages);
    const { ok: _, error: __, ...events } = SERVER_FRAMES;
    expect(names.sort()).toEqual(
      [
        ...Object.keys(COMMANDS).flatMap((type) => [`command.${type}`, `reply.${type}`]),
        ...Object.keys(events).map((type) => `event.${type}`),
        ...["reply.error", "plain.send", "plain.message", "plain.error"],
      ].sort(),
    );
    expect(asyncapi).toEqual(JSON.parse(JSON.stringify(asyncApiOf("test"))));
  });
});

describe("a check against the documents fails", () => {
  const answer = (status: number, body: unknown, target = "/healthz") => ({
    method: "GET",
    target,
    status,
    headers: new Headers({ "content-type": "application/json" }),
    text: JSON.stringify(body),
  });
  const problem = (code: keyof typeof ERRORS) => ({
    type: "about:blank",
    title: "",
    status: ERRORS[code].status,
    code,
    retryable: ERRORS[code].retryable,
    detail: "",
  });
  const problemAnswer = (code: keyof typeof ERRORS, target: string) => ({
    ...answer(ERRORS[code].status, problem(code), target),
    headers: new Headers({ "content-type": "application/problem+json" }),
  });

  test("for an unknown status, field, code, type or path", () => {
    expect(() => holdExchange(answer(200, { status: "ok" }))).not.toThrow();
    expect(() => holdExchange(answer(202, { status: "ok" }))).toThrow("does not list this status");
    expect(() => holdExchange(answer(200, { status: "ok", since: 1 }))).toThrow("additional properties");
    expect(() => holdExchange(answer(200, { status: "fine" }))).toThrow("constant");
    expect(() => holdExchange({ ...answer(200, {}), headers: new Headers() })).toThrow("the content type is");
    expect(() => holdExchange(answer(200, {}, "/elsewhere"))).toThrow("no problem document");
    expect(() => holdExchange(problemAnswer("busy", "/healthz"))).not.toThrow();
    expect(() => holdExchange(problemAnswer("too_late", "/healthz"))).toThrow("does not list this status");
    expect(() => holdExchange(problemAnswer("bad_origin", "/rooms/a/"))).toThrow("allowed values");
    expect(() => holdExchange({ ...problemAnswer("method_not_allowed", "/healthz"), method: "PUT" })).toThrow(
      "the Allow header",
    );
  });

  test("for an accepted request that they do not allow", () => {
    const posted = {
      id: 1,
      version: 1,
      room: "a",
      timestamp: "2026-11-24T10:00:00Z",
      clientId: crypto.randomUUID(),
    };
    const post = { ...answer(201, posted, "/rooms/a/messages/"), method: "POST" };
    expect(() => holdExchange({ ...post, sent: '{"content": "hello"}' })).not.toThrow();
    expect(() => holdExchange({ ...post, sent: '{"content": 5}' })).toThrow("the body was accepted");
    expect(() => holdExchange(answer(200, [], "/rooms/?limit=201"))).toThrow("limit was accepted");
  });

  test("for an unknown frame, and for a reply to an invalid command", () => {
    const watch = watchV1();
    expect(watch.received({ type: "synced", room: "a", version: 1 })).toBeUndefined();
    expect(watch.received({ type: "synced", room: "a", version: 1, also: 1 })).toContain("additional");
    expect(watch.received({ type: "sunk", room: "a" })).toBe("the document has no such frame");
    expect(watch.received({ type: "ok", ref: 7 })).toBe("it replies to no command");
    watch.sent('{"type": "send", "ref": 8, "content": "hello"}');
    expect(watch.received({ type: "ok", ref: 8, id: 1, version: 1 })).toContain("its command was accepted");
    watch.sent('{"type": "ping", "ref": 9}');
    expect(watch.received({ type: "ok", ref: 9, id: 1 })).toContain("additional");
    const unknown = { type: "error", ref: 9, code: "unknown_command", message: "", retryable: false };
    expect(watch.received(unknown)).toBe("the document contains the command");
  });
});

test("each document can be cached and revalidated by its ETag", async () => {
  for (const path of ["/openapi.json", "/asyncapi.json", "/docs"]) {
    const first = await api(server, `GET ${path}`);
    const etag = first.headers.get("etag") ?? "";
    expect(etag).toMatch(/^"[\w-]{43}"$/);
    const again = await api(server, `GET ${path}`, { headers: { "if-none-match": etag } });
    expect([again.status, again.text, again.headers.get("etag")]).toEqual([304, "", etag]);
    // Browsers apply the headers of a 304 response to the cached copy.
    const policy = "content-security-policy";
    expect(again.headers.get(policy)).toBe(first.headers.get(policy));
    expect((await api(server, `GET ${path}`, { headers: { "if-none-match": '"another"' } })).text).toBe(
      first.text,
    );
    expect((await api(server, `HEAD ${path}`)).headers.get("etag")).toBe(etag);
  }
});

describe("/docs", () => {
  const attributes = (name: string) =>
    [...page.matchAll(new RegExp(` ${name}="([^"]*)"`, "g"))].map(([, at]) => at ?? "");

  test("runs no script and loads nothing: its policy allows only its own style", async () => {
    const { headers } = await api(server, "GET /docs/");
    const style = /<style>(.*?)<\/style>/s.exec(page)?.[1] ?? "";
    const hash = new Bun.CryptoHasher("sha256").update(style).digest("base64");
    expect(headers.get("content-security-policy")).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    );
    expect(headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(style).toContain("color-scheme: light dark");
    expect(
      page.match(/<script|<link|<img|<iframe|javascript:|@import|url\(|\bon\w+=| style=| src=/gi),
    ).toBeNull();
    expect(attributes("href").filter((href) => !/^(#|\/\w)/.test(href))).toEqual([]);
  });

  test("contains everything in the documents and every code, and has no dead links", () => {
    const ids = attributes("id");
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual(
      expect.arrayContaining([
        ...operations().map(({ operation }) => operation.operationId),
        ...Object.keys(openapi.components.schemas).map((name) => `schema-${name}`),
        ...Object.keys(asyncapi.components.messages).filter((name) => !/^reply\.(?!error)/.test(name)),
        ...Object.keys(ERRORS).map((code) => `code-${code}`),
      ]),
    );
    for (const [name, code] of Object.entries(CLOSE))
      expect(page).toContain(`<code>${code}</code></td><td>${name}<`);
    const anchors = attributes("href").filter((href) => href.startsWith("#"));
    expect(anchors.filter((href) => !ids.includes(href.slice(1)))).toEqual([]);
  });
});
