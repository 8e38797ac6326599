import { expect, test } from "bun:test";
import { createAttempts } from "../../src/auth/attempts.ts";
import { networkOf, siteOf } from "../../src/limits/network.ts";
import { memoryLimiters } from "../../src/limits/limiter.ts";
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

test("an address that fails too often stays open to accounts that have logged in from there before", async () => {
  const attempts = attemptsAt(2);
  await attempts.succeeded(ADA, "192.0.2.1");
  for (let account = 0; account < 20; account++) await attempts.failed(`${account}@example.com`, "192.0.2.1");
  expect(await codeOf(attempts.admit("ben@example.com", "192.0.2.1"))).toBe("rate_limited");
  await attempts.admit(ADA, "192.0.2.1");
});

test("the /64 networks of one IPv6 site are limited together as well, at ten times as much", async () => {
  const attempts = attemptsAt(1);
  for (let network = 0; network < 100; network++)
    await attempts.failed(`${network}@example.com`, `2001:db8:0:${network.toString(16)}::1`);
  expect(await codeOf(attempts.admit(ADA, "2001:db8:0:ffff::1"))).toBe("rate_limited");
  await attempts.admit(ADA, "2001:db8:1::1");
});

test("an account logs in 100 times in 15 minutes, from all addresses together", async () => {
  const attempts = attemptsAt(10);
  for (let login = 0; login < 100; login++) await attempts.succeeded(ADA, `192.0.2.${login}`);
  expect(await codeOf(attempts.admit(ADA, "192.0.2.1"))).toBe("rate_limited");
  await attempts.admit("ben@example.com", "192.0.2.1");
});

test("an office of 500 people can log in three times each and register within minutes", async () => {
  const attempts = attemptsAt(10);
  for (let person = 0; person < 300; person++)
    await attempts.registering(`${person}@example.com`, "192.0.2.1");
  for (let person = 0; person < 500; person++)
    for (let login = 0; login < 3; login++) {
      await attempts.admit(`${person}@example.com`, "192.0.2.1");
      await attempts.succeeded(`${person}@example.com`, "192.0.2.1");
    }
});

test("attempts queue by whether the account has logged in from there, then by site, network and account", async () => {
  const attempts = attemptsAt(0);
  const home = "2001:db8:0:7::1";
  await attempts.succeeded(ADA, home);
  const [known, elsewhere, stranger, newcomer] = await Promise.all([
    attempts.admit(ADA, home),
    attempts.admit(ADA, "192.0.2.1"),
    attempts.admit("ben@example.com", home),
    attempts.registering("cy@example.com", home),
  ]);
  const groups = (kind: string) => [kind, "2001:db8:0::/48", "2001:db8:0:7::/64", expect.any(String)];
  expect(known).toEqual(groups("known"));
  expect(elsewhere).toEqual(["strange", "192.0.2.1", "192.0.2.1", known.at(-1)!]);
  expect(stranger).toEqual(groups("strange"));
  expect(newcomer).toEqual(groups("registering"));
  expect(known.join()).not.toContain("ada");
});

test("a neighbour who guesses the password of somebody signed in does not keep them from changing it", async () => {
  const attempts = attemptsAt(2);
  for (let failure = 0; failure < 20; failure++) await attempts.failed(ADA, "192.0.2.1");
  expect(await codeOf(attempts.admit(ADA, "192.0.2.1"))).toBe("rate_limited");
  expect((await attempts.admit(ADA, "192.0.2.1", "session"))[0]).toBe("known");
  for (let success = 0; success < 100; success++) await attempts.succeeded(ADA, "192.0.2.1");
  await attempts.admit(ADA, "192.0.2.1", "session");
});

test("anyone who has stolen a session cannot guess its password from many addresses", async () => {
  const attempts = attemptsAt(2);
  for (let address = 1; address <= 2; address++) await attempts.failed(ADA, `203.0.113.${address}`, "stolen");
  expect(await codeOf(attempts.admit(ADA, "203.0.113.3", "stolen"))).toBe("rate_limited");
  await attempts.admit(ADA, "192.0.2.1", "hers");
});

test("neighbours who register too often do not keep the owner of a registration link out", async () => {
  const attempts = attemptsAt(10);
  for (let person = 0; person < 300; person++)
    await attempts.registering(`${person}@example.com`, "192.0.2.1");
  expect(await codeOf(attempts.registering(ADA, "192.0.2.1"))).toBe("rate_limited");
  for (let attempt = 0; attempt < 30; attempt++) await attempts.registering(ADA, "192.0.2.1", "link");
  expect(await codeOf(attempts.registering(ADA, "192.0.2.1", "link"))).toBe("rate_limited");
  await attempts.registering(ADA, "192.0.2.1", "another link");
});

test("registrations are limited per address", async () => {
  const attempts = attemptsAt(10);
  for (let made = 0; made < 300; made++) await attempts.registering(ADA, "192.0.2.1");
  expect(await codeOf(attempts.registering(ADA, "192.0.2.1"))).toBe("rate_limited");
  await attempts.registering(ADA, "192.0.2.2");
});

test("a rate of 0 turns off all limits, including registrations", async () => {
  const attempts = attemptsAt(0);
  for (let round = 0; round < 400; round++) {
    await attempts.failed(ADA, "192.0.2.1");
    await attempts.registering(ADA, "192.0.2.1");
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

test.each([
  ["192.0.2.1", "192.0.2.1"],
  ["2001:db8:0:1::1", "2001:db8:0::/48"],
  ["2001:db8::ffff:0:0:0:1", "2001:db8:0::/48"],
])("%s is part of the site %s", (address, site) => {
  expect(siteOf(address)).toBe(site);
});
