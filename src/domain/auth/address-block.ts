/** Addresses that share a limit: one IPv4 address, or a /64 of IPv6, because one connection gets a whole /64. */
import ipaddr from "ipaddr.js";

const HOST_BYTES = 8;

/** The IPv4 address itself, or `2001:db8:1:2::/64`. A text that is no address is returned unchanged. */
export function addressBlock(ip: string): string {
  if (!ip.includes(":") || !ipaddr.IPv6.isValid(ip)) return ip;
  const bytes = ipaddr.IPv6.parse(ip).toByteArray().fill(0, -HOST_BYTES);
  return `${ipaddr.fromByteArray(bytes).toString()}/64`;
}
