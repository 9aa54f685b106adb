/** Where webhooks may go: registered, and delivered. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createHttpSender } from "../../src/webhooks/http-sender.ts";
import { createTargets, isPublicAddress } from "../../src/webhooks/targets.ts";

describe("addresses that webhooks may reach", () => {
  test.each(["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8"])("%s is public", (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  test.each([
    ...["127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254"],
    ...[
      "100.64.0.1",
      "224.0.0.1",
      "255.255.255.255",
      "192.0.2.1",
      "198.18.0.1",
      "::",
      "::1",
      "fe80::1",
      "fd00::1",
    ],
    ...["::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::127.0.0.1", "nonsense"],
  ])("%s is not", (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  test.each([
    ...[
      "http://127.0.0.1/",
      "http://localhost/",
      "http://[::1]:8080/",
      "http://2130706433/",
      "http://0x7f.1/",
    ],
    ...["https://10.1.2.3/hook", "http://[::ffff:169.254.169.254]/", "ftp://example.org/", "nonsense"],
    "https://user:password@example.org/",
  ])("%s can't be registered", async (url) => {
    const { check } = createTargets({ allowPrivate: false });
    await expect(check(url)).rejects.toMatchObject({ code: "bad_request", field: "url" });
  });

  test("a name that can't be looked up now may be registered, and private ones where they are allowed", async () => {
    await createTargets({ allowPrivate: false }).check("https://no-such-name.invalid/hook");
    await createTargets({ allowPrivate: true }).check("http://127.0.0.1:9/hook");
  });
});

describe("deliveries", () => {
  let server: Server;
  let port = 0;
  const paths: string[] = [];
  beforeAll(async () => {
    server = createServer((request, response) => {
      paths.push(request.url ?? "");
      if (request.url === "/away") response.writeHead(302, { location: "/elsewhere" }).end();
      else if (request.url === "/long") response.writeHead(200).end("x".repeat(1_000_000));
      else if (request.url !== "/hang") response.writeHead(204).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  const deliver = async (
    path: string,
    { allowPrivate = true, host = "127.0.0.1", timeoutMs = 5_000 } = {},
  ) => {
    const sender = createHttpSender({ targets: createTargets({ allowPrivate }), timeoutMs });
    try {
      return await sender.send({ url: `http://${host}:${port}${path}`, secret: "s", body: "{}" });
    } finally {
      sender.close();
    }
  };

  test("any 2xx takes a delivery, however long the answer is", async () => {
    expect(await deliver("/")).toEqual({ delivered: true });
    expect(await deliver("/long")).toEqual({ delivered: true });
  });

  test("follow no redirect", async () => {
    expect(await deliver("/away")).toEqual({ delivered: false, reason: "The receiver answered 302" });
    expect(paths).not.toContain("/elsewhere");
  });

  test("give a receiver up that does not answer", async () => {
    const outcome = await deliver("/hang", { timeoutMs: 50 });
    expect(outcome).toEqual({ delivered: false, reason: "The receiver took too long" });
  });

  test("go to no address that a name was given after its registration", async () => {
    paths.length = 0;
    const byName = await deliver("/", { allowPrivate: false, host: "localhost" });
    const byAddress = await deliver("/", { allowPrivate: false });
    expect([byName.delivered, byAddress.delivered]).toEqual([false, false]);
    expect(paths).toEqual([]);
  });
});
