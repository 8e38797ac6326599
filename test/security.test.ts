import { expect, test } from "bun:test";
import { createLog } from "../src/log.ts";
import { createMetrics } from "../src/metrics.ts";
import { createSecurityLog } from "../src/security.ts";
import { stoppedClock } from "./auth/node.ts";

function setUp() {
  const lines: Record<string, unknown>[] = [];
  const log = createLog("info", { write: (line: string) => void lines.push(JSON.parse(line)) });
  const clock = stoppedClock();
  const metrics = createMetrics();
  const security = createSecurityLog({ clock, log, metrics });
  return { lines, clock, metrics, security };
}

const from = (address: string) => ({ origin: { address, userAgent: "test" } });

test("an event is one line that says who, from where and with what", () => {
  const { lines, security } = setUp();
  const origin = { address: "192.0.2.1", userAgent: "x".repeat(5000) };
  security.record("login.succeed", { userId: 7, username: "ada", sessionId: "s1", origin });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({
    level: 30,
    event: "login.succeed",
    user: 7,
    username: "ada",
    sessionId: "s1",
    address: "192.0.2.1",
    agent: "x".repeat(100),
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
  });
});

test("nothing that a client sends begins a line of its own", () => {
  const written: string[] = [];
  const log = createLog("info", { write: (line: string) => void written.push(line) });
  const security = createSecurityLog({ clock: stoppedClock(), log, metrics: createMetrics() });
  const forged = '"}\r\n{"level":30,"event":"login.succeed"}\u2028';
  security.record("login.fail", { username: forged, origin: { address: forged, userAgent: forged } });
  expect(written).toHaveLength(1);
  expect(written[0]?.trimEnd()).not.toMatch(/[\r\n]/);
  expect(JSON.parse(written[0] ?? "")).toMatchObject({
    event: "login.fail",
    username: forged,
    agent: forged,
  });
});

test("a thousand failed logins from one network are two lines, and the metric counts all", async () => {
  const { lines, clock, metrics, security } = setUp();
  for (let host = 0; host < 1000; host++)
    security.record("login.fail", { userId: 7, ...from(`2001:db8::${host.toString(16)}`) });
  expect(lines).toHaveLength(1);
  clock.pass(60_000);
  expect(lines.map(({ event, user, count }) => ({ event, user, count }))).toEqual([
    { event: "login.fail", user: 7, count: undefined },
    { event: "login.fail", user: 7, count: 999 },
  ]);
  expect(await metrics.registry.metrics()).toContain(
    'parley_security_events_total{event="login.fail"} 1000\n',
  );
});

test("failures from any number of networks stay a bounded number of lines", () => {
  const { lines, clock, security } = setUp();
  for (let at = 0; at < 10_000; at++) security.record("operator.fail", from(`10.${at >> 8}.${at & 255}.1`));
  clock.pass(60_000);
  expect(lines).toHaveLength(101);
  expect(lines.at(-1)).toMatchObject({ event: "operator.fail", count: 9900 });
  expect(lines.at(-1)).not.toHaveProperty("address");
  lines.length = 0;
  for (let at = 0; at < 1000; at++) security.record("operator.fail", from(`10.${at}.0.1`));
  security.record("login.fail", { userId: 7, ...from("10.0.0.1") });
  expect(lines).toHaveLength(101);
  expect(lines.at(-1)).toMatchObject({ event: "login.fail", user: 7 }); // a flood of one event hides no other
});

test("a new minute begins with a line of its own", () => {
  const { lines, clock, security } = setUp();
  security.record("password.fail", { userId: 1, ...from("192.0.2.1") });
  clock.pass(60_000);
  security.record("password.fail", { userId: 1, ...from("192.0.2.1") });
  expect(lines.map(({ count }) => count)).toEqual([undefined, undefined]);
});

test("what was counted is logged before a stop", () => {
  const { lines, security } = setUp();
  for (let at = 0; at < 3; at++) security.record("login.fail", from("192.0.2.1"));
  security.stop();
  expect(lines.at(-1)).toMatchObject({ event: "login.fail", count: 2 });
});

test("every event has its metric from the start, so that an alert sees the first one", async () => {
  const { metrics } = setUp();
  expect(await metrics.registry.metrics()).toContain(
    'parley_security_events_total{event="refresh.reuse"} 0\n',
  );
});
