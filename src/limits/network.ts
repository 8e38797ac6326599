import { isIP, isIPv6 } from "node:net";

/** Longer than any IP address with brackets, a zone and a port, in characters. */
const ADDRESS_MAX = 100;

/**
 * Returns the client's address: the peer of the connection or, behind `hops` proxies, the address that the
 * first proxy added to `X-Forwarded-For`. Earlier entries are ignored, because clients can forge them.
 */
export function clientAddress(
  forwardedFor: string | null | undefined,
  connection: string,
  hops: number,
): string {
  if (hops === 0 || !forwardedFor) return connection;
  const addresses = forwardedFor.split(",");
  const written = (addresses[Math.max(0, addresses.length - hops)] ?? "").trim();
  if (written.length > ADDRESS_MAX) return connection;
  const address = written.replace(/^\[(.*)\](:\d+)?$/, "$1");
  const bare = isIP(address) ? address : address.replace(/:\d+$/, "");
  return isIP(bare) ? bare : connection;
}

/** Returns the network that one party usually controls: the IPv4 address, or the /64 of an IPv6 address. */
export const networkOf = (address: string): string => prefixOf(address, 64);

/** Returns the most that one party gets from a provider: the IPv4 address, or the /48 of an IPv6 address or network. */
export const siteOf = (address: string): string => prefixOf(address, 48);

/** Multiple of a network's limits for an IPv6 site (/48), which may belong to one party or to many. */
export const PER_SITE = 10;

function prefixOf(address: string, bits: 48 | 64): string {
  const plain = address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, "").replace(/[%/].*$/, "");
  if (!isIPv6(plain)) return plain;
  return `${groupsOf(plain)
    .slice(0, bits / 16)
    .join(":")}::/${bits}`;
}

/** Returns the eight groups of an IPv6 address without a zone, in hexadecimal without leading zeros. */
export function groupsOf(address: string): string[] {
  // The URL parser writes every spelling of an address in one form.
  const [head = "", tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const before = head.split(":").filter(Boolean);
  const after = tail?.split(":").filter(Boolean) ?? [];
  return [...before, ...Array<string>(8 - before.length - after.length).fill("0"), ...after];
}
