import { expect, test } from "bun:test";
import { createForwardedCheck, isNearby } from "../../src/limits/forwarded.ts";
import { createLog } from "../../src/log.ts";
import { createMetrics } from "../../src/metrics.ts";
import { handClock } from "../support/hand-clock.ts";

function stage(hops: number) {
  const { clock, pass } = handClock();
  const events: string[] = [];
  const log = createLog("info", { write: (line) => void events.push(JSON.parse(line).event) });
  const metrics = createMetrics();
  const check = createForwardedCheck({ hops, clock, log, metrics });
  const counts = () => [metrics.forwarded.of("ignored").count, metrics.forwarded.of("missing").count];
  return {
    pass,
    events,
    counts,
    request: (headers: Record<string, string>, peer = "127.0.0.1") => check(new Headers(headers), peer),
  };
}

// Behind a proxy, TRUST_PROXY=0 makes one person's failed logins lock out everyone, and nothing said so.
test("addresses that a proxy forwards and TRUST_PROXY ignores are reported once an hour", () => {
  const { request, events, counts, pass } = stage(0);
  request({});
  expect(events).toEqual([]);
  request({ "x-forwarded-for": "198.51.100.1" });
  request({ "x-forwarded-for": "198.51.100.2" }, "::ffff:10.1.2.3");
  request({ forwarded: "for=198.51.100.3" }, "fd00::1");
  expect([events, counts()]).toEqual([["forwarded_ignored"], [3, 0]]);
  pass(60 * 60_000);
  request({ "x-forwarded-for": "198.51.100.1" });
  expect(events).toEqual(["forwarded_ignored", "forwarded_ignored"]);
});

test("a client on the internet that forges the header is not reported as a proxy", () => {
  const { request, events, counts } = stage(0);
  request({ "x-forwarded-for": "10.0.0.1" }, "203.0.113.9");
  expect([events, counts()]).toEqual([[], [0, 0]]);
});

test("fewer forwarded addresses than TRUST_PROXY says are reported, because a proxy is missing", () => {
  const { request, events, counts } = stage(2);
  request({ "x-forwarded-for": "198.51.100.1, 10.0.0.2" });
  expect(events).toEqual([]);
  request({ "x-forwarded-for": "198.51.100.1" });
  request({});
  expect([events, counts()]).toEqual([["forwarded_missing"], [0, 2]]);
});

test("loopback, private, shared and link-local addresses are nearby", () => {
  for (const address of [
    "127.0.0.1",
    "10.9.8.7",
    "172.31.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "::1",
    "fe80::1%eth0",
  ])
    expect([address, isNearby(address)]).toEqual([address, true]);
  for (const address of ["172.32.0.1", "8.8.8.8", "2001:db8::1", "::ffff:8.8.8.8", "", "nonsense"])
    expect([address, isNearby(address)]).toEqual([address, false]);
});
