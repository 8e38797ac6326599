import { BlockList, isIP, isIPv4 } from "node:net";
import { groupsOf } from "../limits/network.ts";

/** IPv4 networks that are not the public internet: IANA's special-purpose addresses, multicast, and what is reserved. */
const SPECIAL_V4 = [
  ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"],
  ...["192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24"],
  ...["192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"],
  ...["224.0.0.0/4", "240.0.0.0/4"],
];
/** The IPv6 addresses that are given to anyone, and what has a special purpose among them: Teredo, examples, 6to4, and others. */
const GLOBAL_V6 = ["2000::/3"];
const SPECIAL_V6 = ["2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"];

/** What IPv6 addresses begin with that stand for an IPv4 address: mapped ones, and those of NAT64. */
const WRAPPERS = ["0:0:0:0:0:ffff", "64:ff9b:0:0:0:0"];

const NETWORK = /^([\da-f.:]+)\/(\d{1,3})$/i;
/** A name as it is in a URL: in lower case, with Punycode for other scripts. */
const NAME = /^(?=.{1,253}$)[a-z\d_]([a-z\d_-]*[a-z\d_])?(\.[a-z\d_]([a-z\d_-]*[a-z\d_])?)*$/;

/** Whether an entry of an allow list is an address, a network, or the exact name of a host. */
export function isAllowEntry(entry: string): boolean {
  const [, address = "", bits] = NETWORK.exec(entry) ?? [];
  if (bits !== undefined) return isIP(address) > 0 && Number(bits) <= (isIPv4(address) ? 32 : 128);
  return isIP(entry) > 0 || (NAME.test(entry) && /[a-z]/.test(entry));
}

/** Which hosts and addresses may be called. */
export interface Reach {
  /** Whether the operator allows this host by its name, wherever it is. */
  allowsName(host: string): boolean;
  /** Whether the address is on the public internet, or the operator allows it. */
  allows(address: string): boolean;
  /** Whether the operator allows the address. */
  lists(address: string): boolean;
}

/** Reads an allow list, whose entries are {@link isAllowEntry}. */
export function createReach(allow: readonly string[]): Reach {
  const names = new Set(allow.filter((entry) => !NETWORK.test(entry) && isIP(entry) === 0));
  const allowed = networks(allow.filter((entry) => !names.has(entry)));
  const lists = (address: string) => allowed(unwrapped(address));
  return {
    allowsName: (host) => names.has(host),
    lists,
    allows: (address) => lists(address) || isPublic(unwrapped(address)),
  };
}

/** Returns a function that finds out whether an address is in one of these networks. */
function networks(entries: readonly string[]): (address: string) => boolean {
  // One list for each family: an IPv4 rule says nothing about an IPv6 address.
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() };
  const familyOf = (address: string) => (isIPv4(address) ? "ipv4" : "ipv6");
  for (const entry of entries) {
    const [address = "", bits] = entry.split("/");
    const family = familyOf(address);
    lists[family].addSubnet(address, Number(bits ?? (family === "ipv4" ? 32 : 128)), family);
  }
  return (address) => isIP(address) > 0 && lists[familyOf(address)].check(address, familyOf(address));
}

const isSpecial = networks([...SPECIAL_V4, ...SPECIAL_V6]);
const isGlobalV6 = networks(GLOBAL_V6);
const isPublic = (address: string) => (isIPv4(address) || isGlobalV6(address)) && !isSpecial(address);

/** Returns the IPv4 address that an IPv6 address stands for; any other address as it is. */
function unwrapped(address: string): string {
  if (isIP(address) !== 6 || address.includes("%")) return address;
  const groups = groupsOf(address);
  if (!WRAPPERS.includes(groups.slice(0, 6).join(":"))) return address;
  return groups
    .slice(6)
    .flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255])
    .join(".");
}
