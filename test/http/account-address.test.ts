import { expect, test } from "bun:test";
import { clientAddress } from "../../src/limits/network.ts";

test.each<[string, string | null, number, string]>([
  ["the connection's, without a proxy", "203.0.113.9", 0, "192.0.2.1"],
  ["the connection's, if the proxy adds no header", null, 1, "192.0.2.1"],
  ["the one that a single proxy added", "203.0.113.9, 198.51.100.1", 1, "198.51.100.1"],
  [
    "the one that the first of two proxies added",
    "203.0.113.9, 198.51.100.1, 198.51.100.2",
    2,
    "198.51.100.1",
  ],
  ["the first one, if there are fewer than proxies", "198.51.100.1", 3, "198.51.100.1"],
  ["the one without its port", "198.51.100.1:4711", 1, "198.51.100.1"],
  ["IPv6", "2001:db8::1", 1, "2001:db8::1"],
  ["IPv6 in brackets", "[2001:db8::1]", 1, "2001:db8::1"],
  ["IPv6 in brackets with a port", "[2001:db8::1]:4711", 1, "2001:db8::1"],
  ["the connection's, if the header has no address", "unknown", 1, "192.0.2.1"],
  ["the connection's, if the header is nonsense", "x, ' or 1=1", 1, "192.0.2.1"],
  ["the connection's, if the last entry is empty", "198.51.100.1,", 1, "192.0.2.1"],
])("the client's address is %s", (_, header, hops, address) => {
  expect(clientAddress(header, "192.0.2.1", hops)).toBe(address);
});
