import { BlockList, isIPv6 } from "node:net";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";

/** At most one line per problem in this time, in milliseconds. */
const QUIET_MS = 60 * 60_000;
/** Longer headers are not counted through. */
const HEADER_MAX = 4_096;

/** Networks in which a proxy of one's own is likely: loopback, private, shared (RFC 6598) and link-local addresses. */
const NEARBY = new BlockList();
for (const [network, bits] of [
  ["127.0.0.0", 8],
  ["10.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["100.64.0.0", 10],
  ["169.254.0.0", 16],
] as const)
  NEARBY.addSubnet(network, bits);
NEARBY.addAddress("::1", "ipv6");
NEARBY.addSubnet("fc00::", 7, "ipv6");
NEARBY.addSubnet("fe80::", 10, "ipv6");

/** Whether an address belongs to this machine or a private network. */
export function isNearby(address: string): boolean {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, "").replace(/%.*$/, "");
  return NEARBY.check(plain, isIPv6(plain) ? "ipv6" : "ipv4");
}

interface ForwardedOptions {
  /** `TRUST_PROXY`. */
  readonly hops: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/**
 * Returns a function that is called with each request and the address of its connection. It warns if `TRUST_PROXY` does
 * not fit what arrives. Otherwise everyone behind a proxy shares the limits of one address, and nobody notices why.
 */
export function createForwardedCheck({ hops, clock, log, metrics }: ForwardedOptions) {
  const ignored = metrics.forwarded.of("ignored");
  const missing = metrics.forwarded.of("missing");
  const quietUntil = { ignored: 0, missing: 0 };
  const isDue = (problem: keyof typeof quietUntil) => {
    if (clock.monotonic() < quietUntil[problem]) return false;
    quietUntil[problem] = clock.monotonic() + QUIET_MS;
    return true;
  };

  return (headers: Headers, peer: string): void => {
    const header = headers.get("x-forwarded-for");
    if (hops > 0) {
      if (header && (header.length > HEADER_MAX || header.split(",").length >= hops)) return;
      missing.count++;
      if (isDue("missing"))
        log.warn(
          { event: "forwarded_missing" },
          "a request has fewer addresses in X-Forwarded-For than TRUST_PROXY says: set it to the number of proxies in front",
        );
    } else if ((header || headers.has("forwarded")) && isNearby(peer)) {
      ignored.count++;
      if (isDue("ignored"))
        log.warn(
          { event: "forwarded_ignored" },
          "a proxy sends clients' addresses, which are ignored, so limits count everyone behind it as one: set TRUST_PROXY to the number of proxies in front",
        );
    }
  };
}
