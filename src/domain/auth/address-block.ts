/** Who shares a limit: an IPv4 address, or the /64 of an IPv6 one, whose addresses one line has 2^64 of. */
import ipaddr from "ipaddr.js";

const HOST_BYTES = 8;

/** The address itself, or `2001:db8:1:2::/64`; a text that is no address stays as it is. */
export function addressBlock(ip: string): string {
  if (!ip.includes(":") || !ipaddr.IPv6.isValid(ip)) return ip;
  const bytes = ipaddr.IPv6.parse(ip).toByteArray().fill(0, -HOST_BYTES);
  return `${ipaddr.fromByteArray(bytes).toString()}/64`;
}
