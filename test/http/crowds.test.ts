import { beforeAll, expect, test } from "bun:test";
import { api } from "../support/api.ts";
import { connect } from "../support/client.ts";
import { house, START_MS } from "../support/house.ts";
import type { Person } from "../support/people.ts";
import { openRaw } from "../support/raw.ts";
import type { TestServer } from "../support/server.ts";

// The server starts only a few handshakes and requests in each turn of the event loop.

let server: TestServer;
let ada: Person;

beforeAll(async () => {
  ({ server, ada } = await house());
}, START_MS);

test("a crowd of requests and handshakes is served completely", async () => {
  const requests = Array.from({ length: 100 }, () => api(server, "GET /history/tea/", { token: ada.token }));
  const sockets = Array.from({ length: 20 }, async () => {
    const socket = await connect(server, { room: "tea", token: ada.token });
    await socket.next("synced");
    return socket;
  });
  expect((await api(server, "GET /healthz")).status).toBe(200);
  expect(new Set((await Promise.all(requests)).map(({ status }) => status))).toEqual(new Set([200]));
  for (const socket of await Promise.all(sockets)) socket.close();
});

test("a health probe does not wait behind a crowd of requests", async () => {
  const connections = await Promise.all(Array.from({ length: 301 }, () => openRaw(server)));
  const answered: string[] = [];
  // All in one turn, the probe last. Each of the other requests gets its response in the turn in which it
  // starts.
  const answers = connections.map(async (connection, number) => {
    const path = number < 300 ? "/history/tea/" : "/healthz";
    connection.socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    const { status } = await connection.answer();
    answered.push(`${path} ${status}`);
    connection.end();
  });
  await Promise.all(answers);
  expect(answered.filter((answer) => answer === "/history/tea/ 401")).toHaveLength(300);
  expect(answered.indexOf("/healthz 200")).toBeWithin(0, 150);
});

test("clients that disconnect before their turn leave nothing behind", async () => {
  const gone = Array.from({ length: 100 }, async (_, number) => {
    const path = number % 2 ? "/history/tea/" : "/ws/chat/tea/";
    const socket = await Bun.connect({ hostname: "127.0.0.1", port: server.port, socket: { data() {} } });
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${ada.token}\r\n` +
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    socket.terminate();
  });
  await Promise.all(gone);
  const { status } = await api(server, "GET /history/tea/", { token: ada.token });
  expect(status).toBe(200);
  expect(server.log.filter(({ level }) => level >= 50)).toEqual([]);
});
