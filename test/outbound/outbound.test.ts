import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createServer, type Server, type Socket } from "node:net";
import { until } from "../support/until.ts";
import { systemClock } from "../../src/clock.ts";
import {
  BODY_MAX,
  createOutbound,
  type OutboundFault,
  type OutboundParts,
  type OutboundRequest,
} from "../../src/outbound/outbound.ts";

setDefaultTimeout(20_000);

let web: Bun.Server<undefined>;
const seen: { host: string | null; path: string; body: string }[] = [];
const sockets: Server[] = [];

beforeAll(() => {
  web = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      seen.push({ host: request.headers.get("host"), path: pathname + search, body: await request.text() });
      if (pathname === "/away")
        return new Response("gone there", {
          status: 307,
          headers: { location: `http://127.0.0.1:${web.port}/secret` },
        });
      if (pathname === "/large") return new Response(new Uint8Array(BODY_MAX + 1));
      if (pathname === "/full") return new Response(new Uint8Array(BODY_MAX));
      return Response.json({ heard: true }, { status: pathname === "/bad" ? 500 : 200 });
    },
  });
});
afterAll(async () => {
  for (const server of sockets) server.close();
  await web.stop(true);
});

/** Resolves names as if the test were the domain's owner. */
function outbound(parts: Partial<OutboundParts> = {}) {
  const asked: string[] = [];
  const { send, inspect } = createOutbound({
    clock: systemClock,
    allow: ["127.0.0.1"],
    ...parts,
    async resolve(name) {
      asked.push(name);
      return (await parts.resolve?.(name)) ?? ["127.0.0.1"];
    },
  });
  return { send, inspect, asked };
}

/** Returns why a request has no response. */
const faultOf = (send: Promise<unknown>): Promise<OutboundFault | "none"> =>
  send.then(
    () => "none",
    (error) => error.fault,
  );
const faultAt = (url: string, parts: Partial<OutboundParts> = {}, request: Partial<OutboundRequest> = {}) =>
  faultOf(outbound(parts).send({ url, ...request }));

/** Starts a server that does as it likes with each connection. */
async function rude(behave: (socket: Socket) => void): Promise<{ url: string; closed: Promise<void> }> {
  const closed = Promise.withResolvers<void>();
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("close", () => closed.resolve());
    behave(socket);
  });
  sockets.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://rude.example:${(server.address() as { port: number }).port}/`,
    closed: closed.promise,
  };
}

/** Writes the same again and again, as fast as it is read. Returns how much was written by now, in bytes. */
function pour(socket: Socket, head: string, part: string): () => number {
  let written = 0;
  const more = () => {
    while (!socket.destroyed && socket.write(part)) written += part.length;
  };
  socket.on("drain", more);
  socket.write(head);
  more();
  return () => written;
}

test("a request reaches the checked address, with the name in its host", async () => {
  const { send, asked } = outbound();
  const { status, body, isCut } = await send({
    url: `http://hooks.example:${web.port}/in?a=1#part`,
    headers: { "content-type": "text/plain" },
    body: "Grüße",
  });
  expect({ status, body: JSON.parse(body.toString()), isCut }).toEqual({
    status: 200,
    body: { heard: true },
    isCut: false,
  });
  expect(seen.at(-1)).toEqual({ host: `hooks.example:${web.port}`, path: "/in?a=1", body: "Grüße" });
  expect(asked).toEqual(["hooks.example"]);
});

test("an error of the receiver is a response", async () => {
  expect((await outbound().send({ url: `http://hooks.example:${web.port}/bad` })).status).toBe(500);
});

describe("URLs that are never called", () => {
  test.each<[string, OutboundFault]>([
    ["http://127.0.0.2/", "forbidden"],
    ["http://127.2/", "forbidden"],
    ["http://2130706434/", "forbidden"],
    ["http://0x7f000002/", "forbidden"],
    ["http://017700000002/", "forbidden"],
    ["http://0/", "forbidden"],
    ["http://①②⑦.0.0.2/", "forbidden"],
    ["http://[::1]/", "forbidden"],
    ["http://[::ffff:127.0.0.2]/", "forbidden"],
    ["http://[64:ff9b::7f00:2]/", "forbidden"],
    ["http://169.254.169.254/latest/meta-data/", "forbidden"],
    ["http://8.8.8.8:25/", "bad_url"],
    ["http://8.8.8.8:22/", "bad_url"],
    ["http://user:password@8.8.8.8/", "bad_url"],
    ["http://user@8.8.8.8/", "bad_url"],
    ["ftp://8.8.8.8/", "bad_url"],
    ["file:///etc/passwd", "bad_url"],
    ["gopher://8.8.8.8/", "bad_url"],
    ["nothing", "bad_url"],
  ])("%s is refused when it is given and when it is called", async (url, fault) => {
    const { send, inspect, asked } = outbound();
    expect(inspect(url)).toBe(fault);
    expect(await faultOf(send({ url }))).toBe(fault);
    expect(asked).toEqual([]);
  });

  test("a URL of more than 2,048 characters is refused", () => {
    expect(outbound().inspect(`http://8.8.8.8/${"x".repeat(2033)}`)).toBeUndefined();
    expect(outbound().inspect(`http://8.8.8.8/${"x".repeat(2034)}`)).toBe("bad_url");
  });

  test("a name is refused if it leads to a private address, alone or among public ones", async () => {
    const url = `http://hooks.example:${web.port}/`;
    for (const addresses of [["10.0.0.1"], ["8.8.8.8", "127.0.0.2"], ["2606:4700::1111", "::1"]])
      expect(await faultAt(url, { resolve: async () => addresses })).toBe("forbidden");
    expect(outbound().inspect(url)).toBeUndefined();
  });

  test("a name that does not exist is reported as such", async () => {
    const missing = async () => Promise.reject(new Error("ENOTFOUND"));
    expect(await faultAt("http://nowhere.example/", { resolve: missing })).toBe("unresolved");
    expect(await faultAt("http://nowhere.example/", { resolve: async () => [] })).toBe("unresolved");
  });
});

test("a name that resolves differently the second time is resolved once", async () => {
  const answers = [["127.0.0.1"], ["169.254.169.254"]];
  const { send, asked } = outbound({ resolve: async () => answers.shift() ?? [] });
  expect((await send({ url: `http://rebinding.example:${web.port}/once` })).status).toBe(200);
  expect(asked).toHaveLength(1);
  expect(await faultOf(send({ url: `http://rebinding.example:${web.port}/twice` }))).toBe("forbidden");
  expect(seen.at(-1)?.path).toBe("/once");
});

test("if an address does not respond, the next checked one is tried", async () => {
  const parts = { allow: ["127.0.0.0/8"], resolve: async () => ["127.0.0.9", "127.0.0.1"] };
  expect(await faultAt(`http://hooks.example:${web.port}/`, parts)).toBe("none");
});

test("a redirect is a response, and nobody follows it", async () => {
  const { status, headers } = await outbound().send({ url: `http://hooks.example:${web.port}/away` });
  expect({ status, to: headers.location }).toEqual({
    status: 307,
    to: `http://127.0.0.1:${web.port}/secret`,
  });
  expect(seen.at(-1)?.path).toBe("/away");
});

test("an allowed name may lead anywhere, and to any port", async () => {
  const own = { allow: ["hooks.internal"], resolve: async () => ["127.0.0.1"] };
  expect(await faultAt(`http://hooks.internal:${web.port}/`, own)).toBe("none");
  expect(await faultAt(`http://other.internal:${web.port}/`, own)).toBe("forbidden");
  expect(outbound(own).inspect("http://hooks.internal:25/")).toBeUndefined();
});

test("the operator's own URL may lead anywhere", async () => {
  const none = { allow: [] };
  expect(await faultAt(`http://127.0.0.1:${web.port}/`, none)).toBe("forbidden");
  expect(await faultAt(`http://127.0.0.1:${web.port}/`, none, { trusted: true })).toBe("none");
});

test("64 KiB of a body are read, and no more", async () => {
  const { send } = outbound();
  const full = await send({ url: `http://hooks.example:${web.port}/full` });
  expect([full.body.length, full.isCut]).toEqual([BODY_MAX, false]);
  const large = await send({ url: `http://hooks.example:${web.port}/large` });
  expect([large.body.length, large.isCut]).toEqual([BODY_MAX, true]);
});

describe("servers that never end", () => {
  test("a body without end is cut, and the connection closed", async () => {
    let written = () => 0;
    const { url, closed } = await rude((socket) => {
      written = pour(socket, "HTTP/1.1 200 OK\r\n\r\n", "x".repeat(65_536));
    });
    const { body, isCut } = await outbound().send({ url });
    expect([body.length, isCut]).toEqual([BODY_MAX, true]);
    await closed;
    expect(written()).toBeLessThan(64 * 1024 ** 2);
  });

  test("headers without end are refused", async () => {
    const { url, closed } = await rude(
      (socket) => void pour(socket, "HTTP/1.1 200 OK\r\n", `x-a: ${"y".repeat(990)}\r\n`),
    );
    expect(await faultAt(url)).toBe("broken");
    await closed;
  });

  test("responses that announce others without end are refused", async () => {
    const { url, closed } = await rude(
      (socket) => void pour(socket, "", "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(500)),
    );
    expect(await faultAt(url)).toBe("broken");
    await closed;
  });

  test.each([
    ["says nothing", (socket: Socket) => void socket.resume()],
    ["sends headers byte by byte", (socket: Socket) => drip(socket, "HTTP/1.1 200 OK\r\nx-long: ")],
    ["sends the body byte by byte", (socket: Socket) => drip(socket, "HTTP/1.1 200 OK\r\n\r\n")],
  ])("one that %s is given up, and the connection closed", async (_, behave) => {
    const { url, closed } = await rude(behave);
    expect(await faultAt(url, {}, { timeoutMs: 300 })).toBe("slow");
    await closed;
  });

  test("a name whose resolution never ends is given up", async () => {
    const resolve = () => new Promise<never>(() => {});
    expect(await faultAt("http://slow.example/", { resolve }, { timeoutMs: 50 })).toBe("slow");
  });
});

function drip(socket: Socket, head: string): void {
  socket.write(head);
  const timer = setInterval(() => socket.write("x"), 20);
  socket.on("close", () => clearInterval(timer));
}

describe("servers that break off", () => {
  test("one where nobody listens is unreachable", async () => {
    const { url } = await rude((socket) => socket.end());
    const port = Number(new URL(url).port);
    for (const server of sockets.splice(0)) await new Promise((resolve) => server.close(resolve));
    expect(await faultAt(`http://rude.example:${port}/`)).toBe("unreachable");
  });

  test.each([
    ["closes at once", ""],
    ["closes within its headers", "HTTP/1.1 200 OK\r\nx: y"],
    ["closes within its body", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc"],
    ["speaks something else", "SSH-2.0-OpenSSH_9.6\r\n"],
  ])("one that %s is broken", async (_, words) => {
    const { url } = await rude((socket) => socket.once("data", () => socket.end(words)));
    expect(await faultAt(url)).toBe("broken");
  });
});

test("what an error says names neither the URL nor the addresses", async () => {
  const error = await outbound({ resolve: async () => ["10.0.0.7"] })
    .send({ url: "http://hooks.example/secret-path" })
    .catch((thrown: Error) => thrown);
  expect(String(error)).not.toMatch(/hooks|secret|10\.0/);
});

test("connections to the operator's own URLs are kept, also after one was reset, and those to others never are", async () => {
  const { send } = outbound();
  const open = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    open.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => open.delete(socket));
    socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"));
  });
  sockets.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}/`;
  const call = async (trusted: boolean) => (await send({ url, trusted })).body.toString();
  for (let n = 0; n < 3; n++) expect(await call(true)).toBe("ok");
  expect(connections).toBe(1);
  for (let n = 0; n < 3; n++) expect(await call(false)).toBe("ok");
  expect(connections).toBe(4);
  await until(() => open.size === 1);
  for (const socket of open) socket.resetAndDestroy();
  await until(() => open.size === 0);
  expect(await call(true)).toBe("ok");
});
