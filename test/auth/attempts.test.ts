import { expect, test } from "bun:test";
import { createAttempts } from "../../src/auth/attempts.ts";
import { networkOf } from "../../src/network.ts";
import { memoryLimiters } from "../../src/limiter.ts";
import { codeOf } from "./node.ts";

const attemptsAt = (rate: number) => createAttempts({ rate, limiters: memoryLimiters });
const ADA = "ada@example.com";

test("an address that failed ten times at an account is rejected there with a retry time", async () => {
  const attempts = attemptsAt(10);
  for (let failure = 0; failure < 10; failure++) {
    await attempts.admit(ADA, "192.0.2.1");
    await attempts.failed(ADA, "192.0.2.1");
  }
  const refusal = await attempts.admit(ADA, "192.0.2.1").catch((error) => error);
  expect(refusal.code).toBe("rate_limited");
  expect(refusal.more.retryAfterMs).toBeWithin(1, 15 * 60_000 + 1);
});

test("the owner can log in from another address, and the address can log in to other accounts", async () => {
  const attempts = attemptsAt(2);
  for (let failure = 0; failure < 2; failure++) await attempts.failed(ADA, "192.0.2.1");
  expect(await codeOf(attempts.admit(ADA, "192.0.2.1"))).toBe("rate_limited");
  await attempts.admit(ADA, "192.0.2.2");
  await attempts.admit("ben@example.com", "192.0.2.1");
});

test("a successful login clears the failures before it", async () => {
  const attempts = attemptsAt(2);
  await attempts.failed(ADA, "192.0.2.1");
  await attempts.succeeded(ADA, "192.0.2.1");
  await attempts.failed(ADA, "192.0.2.1");
  await attempts.admit(ADA, "192.0.2.1");
});

test("an address that fails at many accounts is rejected at all of them", async () => {
  const attempts = attemptsAt(2);
  for (let account = 0; account < 20; account++) await attempts.failed(`${account}@example.com`, "192.0.2.1");
  expect(await codeOf(attempts.admit(ADA, "192.0.2.1"))).toBe("rate_limited");
  await attempts.admit(ADA, "192.0.2.2");
});

test("many addresses guessing at one account are slowed, and its owner can still log in", async () => {
  const attempts = attemptsAt(10);
  for (let address = 0; address < 100; address++) await attempts.failed(ADA, `203.0.113.${address}`);
  await attempts.admit(ADA, "192.0.2.1");
  for (let failure = 0; failure < 3; failure++) await attempts.failed(ADA, "192.0.2.1");
  expect(await codeOf(attempts.admit(ADA, "192.0.2.1"))).toBe("rate_limited");
});

test("registrations are limited per address", async () => {
  const attempts = attemptsAt(10);
  for (let made = 0; made < 100; made++) await attempts.registering("192.0.2.1");
  expect(await codeOf(attempts.registering("192.0.2.1"))).toBe("rate_limited");
  await attempts.registering("192.0.2.2");
});

test("a rate of 0 turns off all limits, including registrations", async () => {
  const attempts = attemptsAt(0);
  for (let round = 0; round < 200; round++) {
    await attempts.failed(ADA, "192.0.2.1");
    await attempts.registering("192.0.2.1");
  }
  await attempts.admit(ADA, "192.0.2.1");
});

test.each([
  ["192.0.2.1", "192.0.2.1"],
  ["::ffff:192.0.2.1", "192.0.2.1"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["2001:db8:0:0:ffff::2", "2001:db8:0:0::/64"],
  ["2001:DB8:0:1:2:3:4:5", "2001:db8:0:1::/64"],
  ["fe80::1%eth0", "fe80:0:0:0::/64"],
  ["", ""],
])("%s counts as %s", (address, network) => {
  expect(networkOf(address)).toBe(network);
});
