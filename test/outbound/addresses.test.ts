import { describe, expect, test } from "bun:test";
import { createReach, isAllowEntry } from "../../src/outbound/addresses.ts";

describe("an address that is not on the public internet is refused", () => {
  test.each([
    ["127.0.0.1", "this machine"],
    ["127.255.255.254", "this machine"],
    ["0.0.0.0", "this machine"],
    ["10.1.2.3", "a private network"],
    ["172.16.0.1", "a private network"],
    ["172.31.255.255", "a private network"],
    ["192.168.1.1", "a private network"],
    ["100.64.0.1", "a provider's network"],
    ["169.254.169.254", "the metadata of a cloud"],
    ["192.0.0.192", "the metadata of another cloud"],
    ["198.18.0.1", "benchmarks"],
    ["192.0.2.1", "an example"],
    ["198.51.100.1", "an example"],
    ["203.0.113.1", "an example"],
    ["224.0.0.1", "multicast"],
    ["255.255.255.255", "broadcast"],
    ["240.0.0.1", "reserved"],
    ["::", "this machine"],
    ["::1", "this machine"],
    ["fe80::1", "a link"],
    ["fe80::1%eth0", "a link, with a zone"],
    ["fec0::1", "a site"],
    ["fd00:ec2::254", "the metadata of a cloud"],
    ["ff02::1", "multicast"],
    ["2001:db8::1", "an example"],
    ["3fff::1", "an example"],
    ["2001::1", "Teredo"],
    ["2002:7f00:1::", "6to4 of 127.0.0.1"],
    ["2002:808:808::", "6to4 of a public address"],
    ["::ffff:127.0.0.1", "127.0.0.1, mapped"],
    ["::ffff:a00:1", "10.0.0.1, mapped"],
    ["0:0:0:0:0:ffff:7f00:1", "127.0.0.1, mapped and written out"],
    ["::ffff:0:7f00:1", "127.0.0.1, translated"],
    ["::7f00:1", "127.0.0.1, compatible"],
    ["64:ff9b::a9fe:a9fe", "169.254.169.254 behind NAT64"],
    ["64:ff9b:1::808:808", "NAT64 of one's own network"],
    ["4000::1", "given to nobody"],
    ["100::1", "nowhere"],
    ["not an address", "no address"],
  ])("%s: %s", (address) => {
    expect(createReach([]).allows(address)).toBe(false);
  });
});

test.each(["8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])(
  "the public address %s is allowed",
  (address) => expect(createReach([]).allows(address)).toBe(true),
);

test("a network on the allow list is allowed, however its addresses are written, and no other is", () => {
  const { allows, lists } = createReach(["10.20.0.0/16", "fd00:1::/32", "192.168.1.7"]);
  for (const address of ["10.20.3.4", "::ffff:10.20.3.4", "64:ff9b::a14:304", "fd00:1::5", "192.168.1.7"])
    expect([address, allows(address), lists(address)]).toEqual([address, true, true]);
  for (const address of ["10.21.0.1", "fd00:2::1", "192.168.1.8", "::1"])
    expect([address, allows(address)]).toEqual([address, false]);
  expect(lists("8.8.8.8")).toBe(false);
});

test("a rule for IPv6 says nothing about IPv4", () => {
  expect(createReach(["::/0"]).allows("10.0.0.1")).toBe(false);
  expect(createReach(["0.0.0.0/0"]).allows("fd00::1")).toBe(false);
});

test("an allow list has names, addresses and networks", () => {
  for (const entry of ["hooks.internal", "localhost", "a_b.example", "10.0.0.0/8", "::1", "fd00::/8"])
    expect([entry, isAllowEntry(entry)]).toEqual([entry, true]);
  for (const entry of [
    "",
    "*",
    "*.example.com",
    "10.0.0",
    "10.0.0.0/33",
    "fd00::/129",
    "http://a.b",
    "a.b:80",
  ])
    expect([entry, isAllowEntry(entry)]).toEqual([entry, false]);
});
