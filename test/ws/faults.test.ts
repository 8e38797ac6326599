import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Auth } from "../../src/auth/auth.ts";
import type { Chat, Connection } from "../../src/chat/chat.ts";
import { systemClock } from "../../src/clock.ts";
import { createFaults } from "../../src/faults.ts";
import type { Identity } from "../../src/identity.ts";
import { createLog } from "../../src/log.ts";
import { createMetrics } from "../../src/metrics.ts";
import { createHandshakes } from "../../src/ws/handshake.ts";
import type { Outgoing } from "../../src/ws/outgoing.ts";
import { type SocketData, websocket } from "../../src/ws/sockets.ts";
import { handshake, nextFrame } from "../support/raw.ts";
import { unlimited } from "../support/stubs.ts";
import { until } from "../support/until.ts";

// What should never happen: the parts behind a socket throw. Everybody else's sockets must survive it.

const metrics = createMetrics();
const logged: Record<string, unknown>[] = [];
const log = createLog("info", { write: (line) => void logged.push(JSON.parse(line)) });
let server: Bun.Server<SocketData>;
/** Where the connection of the next socket breaks. */
let broken: keyof Connection | undefined;

beforeAll(() => {
  const breakAt = (place: keyof Connection) => () => {
    if (broken === place) throw new Error(`broken at ${place}`);
  };
  const connection = {
    open: breakAt("open"),
    receive: breakAt("receive"),
    drained: breakAt("drained"),
    ended: breakAt("ended"),
  } as unknown as Connection;
  const handshakes = createHandshakes({
    auth: {
      knows: () => true,
      async authenticate(token: string) {
        if (token === "broken") throw new TypeError("broken at authenticate");
        return { userId: 1, username: "ada" } as Identity;
      },
    } as unknown as Auth,
    chat: { enter: async () => ({}) as never, connect: () => connection } as unknown as Chat,
    outgoing: { socket: () => ({}) } as unknown as Outgoing,
    clock: systemClock,
    log,
    metrics,
    faulted: createFaults(log, metrics),
    budgets: unlimited,
    trustProxy: 0,
    allowedOrigins: ["*"],
    queryToken: true,
  });
  server = Bun.serve<SocketData>({
    port: 0,
    fetch: (request, listener) => handshakes.upgrade(request, new URL(request.url), listener),
    websocket,
  });
});
afterAll(() => server.stop(true));

const faults = async () => (await metrics.faults.get()).values[0]?.value;
const shake = (token: string, path = "/ws/chat/tea/") =>
  handshake({ url: server.url.origin }, path, { Authorization: `Bearer ${token}` });

test("a handshake that fails unexpectedly gets 500 and is counted as a fault", async () => {
  const before = (await faults()) ?? 0;
  const { status, body, connection } = await shake("broken");
  connection.end();
  expect([status, JSON.parse(body).code]).toEqual([500, "internal"]);
  expect(await faults()).toBe(before + 1);
  expect(logged.at(-1)).toMatchObject({ event: "fault", doing: "a handshake" });
});

test.each(["open", "receive", "ended"] as const)(
  "an error in %s ends that socket and is counted",
  async (place) => {
    const before = (await faults()) ?? 0;
    broken = undefined;
    const bystander = await shake("fine");
    broken = place;
    const { connection } = await shake("fine");
    // A masked text frame with the payload "a", which a client sends.
    connection.socket.write(Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x61]));
    if (place === "ended") connection.end();
    else expect(await nextFrame(connection)).toEqual({ close: 1011 });
    await until(async () => (await faults()) === before + 1);
    broken = undefined;
    bystander.connection.socket.write(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8])); // close 1000
    expect(await nextFrame(bystander.connection)).toEqual({ close: 1000 });
    bystander.connection.end();
    connection.end();
  },
);
