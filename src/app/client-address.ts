/** The client's address of a request that came through proxies. Only trusted proxies may name it. */
import { BlockList, isIP } from "node:net";
import ipaddr from "ipaddr.js";

/** `forwardedFor` is the value of `X-Forwarded-For`. */
export type ClientAddress = (peer: string, forwardedFor: string | null | undefined) => string;

/**
 * @param proxies addresses and subnets (`10.0.0.0/8`) of the proxies in front of us, separated by commas
 * @returns the nearest address that is no proxy of ours; each proxy has appended the one that it saw
 * @throws Error that names the part that is no address
 */
export function clientAddressBehind(proxies: string): ClientAddress {
  const trusted = new BlockList();
  for (const part of proxies
    .split(",")
    .map((text) => text.trim())
    .filter(Boolean))
    trust(trusted, part);
  const isTrusted = (address: string) => isIP(address) !== 0 && trusted.check(address, familyOf(address));
  return (peer, forwardedFor) => {
    const seen = (forwardedFor ?? "").split(",");
    let address = plainAddress(peer);
    while (isTrusted(address)) {
      const before = addressIn(seen.pop() ?? "");
      if (before === null) break;
      address = before;
    }
    return address;
  };
}

/** Reads one part of the header. Some proxies write IPv6 in brackets and append the port. Null for no address. */
function addressIn(text: string): string | null {
  const bare = text.trim();
  if (isIP(bare) !== 0) return plainAddress(bare);
  const [, v6, v4] = WITH_PORT.exec(bare) ?? [];
  const address = v6 ?? v4 ?? "";
  return isIP(address) === 0 ? null : plainAddress(address);
}

/** IPv4 addresses inside IPv6 become plain IPv4; otherwise all of them would be in one /64. */
function plainAddress(address: string): string {
  if (!/ffff/i.test(address) || !ipaddr.IPv6.isValid(address)) return address;
  const parsed = ipaddr.IPv6.parse(address);
  return parsed.isIPv4MappedAddress() ? parsed.toIPv4Address().toString() : address;
}

const WITH_PORT = /^(?:\[([0-9a-f:.]{2,45})\]|([0-9.]{7,15}))(?::\d{1,5})?$/i;

function trust(list: BlockList, part: string): void {
  const [address = "", bits] = part.split("/");
  const most = isIP(address) === 4 ? 32 : 128;
  const prefix = bits === undefined ? most : Number(bits);
  if (isIP(address) === 0 || !Number.isInteger(prefix) || prefix < 0 || prefix > most) {
    throw new Error(`${part} is no address and no subnet such as 10.0.0.0/8`);
  }
  list.addSubnet(address, prefix, familyOf(address));
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 4 ? "ipv4" : "ipv6";
}
