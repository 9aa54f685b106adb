import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createGuardedGet } from "../../src/webhooks/guarded-get.ts";
import { createTargets } from "../../src/webhooks/targets.ts";

const MAX_BYTES = 1_000;
const ANSWERS: Record<string, (response: ServerResponse) => void> = {
  "/good": (response) => void response.end("x".repeat(MAX_BYTES)),
  "/long": (response) => void response.end("x".repeat(MAX_BYTES + 1)),
  "/endless": (response) => {
    const more = () => {
      while (!response.destroyed && response.write("x".repeat(65_536)));
    };
    response.on("drain", more);
    more();
  },
  "/moved": (response) => void response.writeHead(302, { location: "/good" }).end(),
  "/gone": (response) => void response.writeHead(404).end("x"),
  "/silent": () => {},
  "/slow": (response) => void response.write("x"),
};

const server = createServer((request, response) => ANSWERS[request.url ?? ""]?.(response));
let origin = "";
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const getter = (allowPrivate: boolean, timeoutMs = 20_000) =>
  createGuardedGet({ targets: createTargets({ allowPrivate }), timeoutMs, maxBytes: MAX_BYTES });

test("bytes are fetched up to the bound", async () => {
  expect(await getter(true)(`${origin}/good`)).toHaveLength(MAX_BYTES);
  for (const path of ["/long", "/endless"])
    await expect(getter(true)(origin + path)).rejects.toThrow(`more than ${MAX_BYTES} bytes`);
});

test("redirects are not followed, and other answers are none", async () => {
  await expect(getter(true)(`${origin}/moved`)).rejects.toThrow("The answer is 302");
  await expect(getter(true)(`${origin}/gone`)).rejects.toThrow("The answer is 404");
});

test("an answer that does not come or end is given up", async () => {
  for (const path of ["/silent", "/slow"])
    await expect(getter(true, 300)(origin + path)).rejects.toThrow(/abort|timeout/i);
});

test.each([
  "",
  "/good",
  "http://localhost:1/",
  "http://[::1]:1/",
  "http://10.0.0.1/",
  "http://169.254.169.254/",
])("a private address is not asked: %j", async (url) => {
  const asked = getter(false)(url.startsWith("http") ? url : origin + url);
  await expect(asked).rejects.toThrow("url must not be a loopback, private or link-local address");
});

test.each([
  "ftp://example.org/x",
  "file:///etc/passwd",
  "data:image/png;base64,AA",
  "http://a:b@example.org/",
  "x",
])("%s is no URL that is fetched", async (url) => {
  await expect(getter(true)(url)).rejects.toThrow(/^url must/);
});
