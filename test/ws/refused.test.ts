import { expect, test } from "bun:test";
import { createFaults } from "../../src/faults.ts";
import { createLog } from "../../src/log.ts";
import { createMetrics } from "../../src/metrics.ts";
import { Refusal } from "../../src/errors.ts";
import { createHandshakes } from "../../src/ws/handshake.ts";
import { websocket } from "../../src/ws/sockets.ts";
import { handClock } from "../support/hand-clock.ts";
import { unlimited } from "../support/stubs.ts";

function stage() {
  const { clock, pass } = handClock();
  const metrics = createMetrics();
  const log = createLog("silent");
  const handshakes = createHandshakes({
    auth: { authenticate: () => Promise.reject(new Refusal("token_invalid")), knows: () => false },
    chat: {} as never,
    budgets: unlimited,
    trustProxy: 0,
    outgoing: {} as never,
    clock,
    log,
    metrics,
    faulted: createFaults(log, metrics),
    allowedOrigins: ["*"],
    queryToken: true,
  });
  const headers = { upgrade: "websocket", "sec-websocket-protocol": "chat.v1, bearer.bad" };
  /** Returns the status of a handshake with a bad token; 101 if its socket is closed with a code. */
  const refuse = async (address = "192.0.2.1") => {
    const server = { requestIP: () => ({ address }), upgrade: () => true } as never;
    const url = "http://localhost/ws/";
    const response = await handshakes.upgrade(new Request(url, { headers }), new URL(url), server);
    return response?.status ?? 101;
  };
  return { clock, pass, metrics, log, refuse };
}

const gauge = async ({ metrics }: ReturnType<typeof stage>) =>
  (await metrics.refusedSockets.get()).values[0]?.value;

// The runtime holds the connection of a closed socket for 75 s if its client does not end it. Nothing counted them, so a
// stranger without an account could use up the open files.
test("beyond a limit per network, refused handshakes get a status, which holds no connection, until held ones have ended", async () => {
  const at = stage();
  for (let refused = 0; refused < 100; refused++) expect(await at.refuse()).toBe(101);
  expect(await gauge(at)).toBe(100);
  expect(await at.refuse()).toBe(401);
  expect(await at.refuse("192.0.2.2")).toBe(101);
  at.pass(75_000);
  expect(await gauge(at)).toBe(0);
  expect(await at.refuse()).toBe(101);
});

test("many networks together hold no more than a thousand", async () => {
  const at = stage();
  let accepted = 0;
  for (let network = 0; network < 1_100; network++)
    if ((await at.refuse(`198.51.${network >> 8}.${network & 255}`)) === 101) accepted++;
  expect([accepted, await gauge(at)]).toEqual([1_000, 1_000]);
});

test("close codes that clients choose add one series to the metrics, not one each", async () => {
  const { clock, metrics, log } = stage();
  const owner = { clock, metrics, log };
  const identity = new Refusal("token_invalid");
  for (let code = 1000; code < 5000; code++)
    websocket.close?.({ data: { owner, identity, opened: 0, format: "v1" } } as never, code, "");
  const { values } = await metrics.closes.get();
  expect(values.length).toBeLessThan(40);
  expect(values.map(({ labels }) => labels.code)).toContain("other");
  expect(values.reduce((sum, { value }) => sum + value, 0)).toBe(4_000);
});
