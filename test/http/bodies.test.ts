import { expect, test } from "bun:test";
import { systemClock } from "../../src/clock.ts";
import { problemResponse, Refusal } from "../../src/errors.ts";
import { createBodies } from "../../src/http/body.ts";
import { createMetrics } from "../../src/metrics.ts";
import { handClock } from "../support/hand-clock.ts";
import { openRaw } from "../support/raw.ts";
import { until } from "../support/until.ts";

const HEAD = ["POST / HTTP/1.1", "Host: a", "Content-Type: application/json"];

const counts = async ({ badBodies }: ReturnType<typeof createMetrics>) =>
  (await badBodies.get()).values.map(({ labels, value }) => [labels.code, value]);

/** A server that reads bodies. */
function listen(clock = systemClock) {
  const metrics = createMetrics();
  const bodies = createBodies(clock, metrics);
  const server = Bun.serve({
    port: 0,
    async fetch(request) {
      try {
        bodies.check(request);
        return new Response(Buffer.from(await bodies.read(request)));
      } catch (error) {
        return error instanceof Refusal ? problemResponse(error) : new Response("fault", { status: 500 });
      }
    },
  });
  return { url: server.url.origin, metrics, [Symbol.dispose]: () => void server.stop(true) };
}

test("a body in pieces is read whole", async () => {
  using server = listen();
  const { socket, answer, end } = await openRaw(server);
  socket.write([...HEAD, "Transfer-Encoding: chunked", "", "5", '{"a":', ""].join("\r\n"));
  socket.write(["2", "1}", "0", "", ""].join("\r\n"));
  expect((await answer()).body).toBe('{"a":1}');
  expect(await counts(server.metrics)).toEqual([]);
  end();
});

test.each([
  ["announces 100 bytes, sends 10", ["Content-Length: 100", "", "0123456789"]],
  ["sends a broken chunk", ["Transfer-Encoding: chunked", "", "5", '{"a":', "zz", ""]],
  ["sends no last chunk", ["Transfer-Encoding: chunked", "", "5", '{"a":', ""]],
])("a client that %s and leaves is refused and counted", async (_, lines) => {
  using server = listen();
  const { socket, end } = await openRaw(server);
  socket.write([...HEAD, ...lines].join("\r\n"));
  await fetch(`${server.url}/`);
  end();
  await until(async () => Bun.deepEquals(await counts(server.metrics), [["malformed", 1]]));
});

// The runtime's own limit cut a slow upload after twelve seconds, without a response.
test("a client that sends too slowly gets an answer after a minute", async () => {
  const { clock, pass, waiting } = handClock();
  using server = listen(clock);
  const { socket, answer, end } = await openRaw(server);
  socket.write([...HEAD, "Content-Length: 100", "", "{"].join("\r\n"));
  await until(() => waiting() === 1);
  pass(60_000);
  const { status, headers, body } = await answer();
  expect([status, JSON.parse(body).code, headers.get("connection")]).toEqual([
    408,
    "request_timeout",
    "close",
  ]);
  expect(await counts(server.metrics)).toEqual([["request_timeout", 1]]);
  end();
});

// A stranger with 1,500 connections held 90 MiB for a minute.
test("bodies that stop before their end make room for others, the oldest first", async () => {
  const metrics = createMetrics();
  const bodies = createBodies(handClock().clock, metrics);
  const settled: (string | number)[] = [];
  /** Sends 64 KiB, and then either nothing or the end. */
  const send = (name: number, { ends }: { ends: boolean }) => {
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new Uint8Array(64 * 1024));
        if (ends) controller.close();
      },
    });
    return bodies.read(new Request("http://a/", { method: "POST", body })).then(
      ({ length }) => length,
      (error: Refusal) => void settled.push(name, error.code),
    );
  };
  for (let name = 0; name <= 256; name++) void send(name, { ends: false });
  await until(() => settled.length > 0);
  for (let name = 257; name < 300; name++) expect(await send(name, { ends: true })).toBe(64 * 1024);
  expect(settled).toEqual([0, "request_timeout", 1, "request_timeout"]);
  expect(await counts(metrics)).toEqual([["request_timeout", 2]]);
});
