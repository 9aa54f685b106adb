import { describe, expect, test } from "vitest";
import { clientAddressBehind } from "../../src/app/client-address.ts";

describe("the client's address", () => {
  const behind = clientAddressBehind("10.0.0.0/8, 127.0.0.1,fd00::/8");

  test.each([
    { what: "the peer without a proxy", peer: "203.0.113.7", header: null, is: "203.0.113.7" },
    {
      what: "the peer, whatever a stranger claims",
      peer: "203.0.113.7",
      header: "10.1.1.1",
      is: "203.0.113.7",
    },
    { what: "what our proxy saw", peer: "10.0.0.2", header: "198.51.100.4", is: "198.51.100.4" },
    {
      what: "the nearest before our proxies",
      peer: "10.0.0.2",
      header: "1.1.1.1, 198.51.100.4, 10.0.0.9",
      is: "198.51.100.4",
    },
    { what: "an IPv6 address", peer: "fd00::1", header: "2001:db8::5", is: "2001:db8::5" },
    {
      what: "an address without its port",
      peer: "10.0.0.2",
      header: "198.51.100.4:52113",
      is: "198.51.100.4",
    },
    { what: "one in brackets", peer: "10.0.0.2", header: "[2001:db8::5]", is: "2001:db8::5" },
    { what: "one in brackets with a port", peer: "10.0.0.2", header: "[2001:db8::5]:443", is: "2001:db8::5" },
    {
      what: "the nearest before a proxy with a port",
      peer: "10.0.0.2",
      header: "198.51.100.4:1, 10.0.0.9:80",
      is: "198.51.100.4",
    },
    {
      what: "IPv4 where it is wrapped in IPv6",
      peer: "10.0.0.2",
      header: "::ffff:198.51.100.4",
      is: "198.51.100.4",
    },
    {
      what: "IPv4 however it is wrapped",
      peer: "0000:0000:0000:0000:0000:ffff:0a00:0002",
      header: "1.1.1.1, [::FFFF:c633:6404]:80, ::ffff:10.0.0.9",
      is: "198.51.100.4",
    },
    { what: "the proxy's own when it says nothing", peer: "127.0.0.1", header: undefined, is: "127.0.0.1" },
    { what: "the proxy's own when it says nonsense", peer: "127.0.0.1", header: "unknown", is: "127.0.0.1" },
  ])("is $what", ({ peer, header, is }) => {
    expect(behind(peer, header)).toBe(is);
  });

  test("counts no header while no proxy is trusted", () => {
    expect(clientAddressBehind("")("127.0.0.1", "198.51.100.4")).toBe("127.0.0.1");
  });

  test.each(["10.0.0.0/33", "proxy", "10.0.0.0/x", "1.2.3"])("names %s, which is no address", (text) => {
    expect(() => clientAddressBehind(text)).toThrow(`${text} is no address`);
  });
});
