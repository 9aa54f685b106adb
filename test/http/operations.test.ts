/** Probes, metrics, the homeserver's transactions, the web page and the documentation. */
import { Hono } from "hono";
import { setCookie } from "hono/cookie";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { belowPublicPath } from "../../src/http/answers/public-path.ts";
import { createFaces } from "../../src/http/app.ts";
import { createDocs } from "../../src/http/docs/docs.ts";
import type { Face } from "../../src/http/face/face.ts";
import { fakeApp, fakeOptions, UNLIMITED, webFolder } from "./fake-parts.ts";

describe("probes", () => {
  test("/healthz is 200 while the process answers", async () => {
    expect(await fakeApp()("GET", "/healthz")).toMatchObject({ status: 200, json: { ok: true } });
  });

  test("/readyz names each part, and is 503 until all are ready", async () => {
    const parts = { store: { ok: true }, hot: { ok: true }, bridge: { ok: false, detail: "starting" } };
    const starting = await fakeApp({ health: async () => ({ ok: false, parts }) })("GET", "/readyz");
    expect(starting).toMatchObject({ status: 503, json: { ok: false, parts } });
    const ready = await fakeApp()("GET", "/readyz");
    expect(ready).toMatchObject({ status: 200, json: { ok: true, parts: { store: { ok: true } } } });
  });

  test("/metrics has the type that Prometheus asks for", async () => {
    const answer = await fakeApp()("GET", "/metrics");
    expect(answer).toMatchObject({ status: 200, text: "causeway_up 1\n" });
    expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4");
  });

  test.each(["/healthz", "/readyz", "/metrics", "/", "/docs"])("%s can only be read", async (path) => {
    const answer = await fakeApp()("POST", path, { json: {} });
    expect(answer.status).toBe(405);
    expect(answer.headers.get("allow")).toBe("GET, HEAD");
  });
});

describe("requests that no API answers", () => {
  const refuse = async () => 2_300;
  const limits = { take: refuse, reset: async () => {} };
  const matrix = async () => Response.json({ errcode: "M_FORBIDDEN" }, { status: 403 });
  const client = fakeApp({ rateLimits: true, hot: { limits }, matrix });

  test.each([
    ["GET", "/"],
    ["GET", "/web/app.js"],
    ["GET", "/docs"],
    ["GET", "/openapi/talk.json"],
    ["GET", "/metrics"],
    ["GET", "/nonsense"],
    ["POST", "/docs"],
    ["OPTIONS", "/v1/contacts"],
    ["GET", "/_matrix/app/v1/ping"],
  ])("%s %s counts against its address", async (method, path) => {
    const answer = await client(method, path);
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([429, "3"]);
    expect(answer.json.error.code).toBe("rate_limited");
  });

  test.each(["/healthz", "/readyz"])("%s is never refused: nobody may lock a probe out", async (path) => {
    expect((await client("GET", path)).status).toBe(200);
  });

  test("an IPv6 client counts with its /64", async () => {
    const keys: string[] = [];
    const take = async (key: string) => {
      keys.push(key);
      return 0;
    };
    const counting = fakeApp({ rateLimits: true, hot: { limits: { take, reset: async () => {} } } });
    for (const ip of ["2001:db8:1:2:3::4", "2001:db8:1:2::", "198.51.100.4"])
      await counting("GET", "/nonsense", { info: { ip } });
    const [one, other, v4] = keys;
    expect(one).toBe("http:address:2001:db8:1:2::/64");
    expect([other, v4]).toEqual([one, "http:address:198.51.100.4"]);
  });

  test("however many ask for readiness, its parts are asked once at a time", async () => {
    let asked = 0;
    let answer = () => {};
    const held = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const health = async () => {
      asked++;
      await held;
      return { ok: true, parts: {} };
    };
    const crowded = fakeApp({ health });
    const all = Array.from({ length: 50 }, () => crowded("GET", "/readyz"));
    answer();
    expect((await Promise.all(all)).every(({ status }) => status === 200)).toBe(true);
    expect(asked).toBe(1);
    await crowded("GET", "/readyz");
    expect(asked).toBe(2);
  });
});

describe("a server below a path", () => {
  const publicUrl = () => "https://example.org/chat";

  test("tells its links with the path", async () => {
    const below = fakeApp({ publicUrl });
    const refused = await below("GET", "/v1/nonsense", { headers: { Authorization: "Bearer x" } });
    expect(refused.text).toContain("https://example.org/chat/docs/errors/");
    const { json } = await below("GET", "/openapi/messenger.json");
    expect(json.servers[0].url).toMatch(/^\/chat\/api/);
  });

  test("puts it before the paths of cookies and of Location", async () => {
    const app = new Hono();
    app.use(belowPublicPath(publicUrl));
    app.get("/", (c) => {
      c.header("Location", "/v1/groups/1");
      setCookie(c, "a", "1", { path: "/access" });
      setCookie(c, "b", "2", { path: "/ocs" });
      return c.body(null, 201);
    });
    const { headers } = await app.request("/");
    expect(headers.get("location")).toBe("/chat/v1/groups/1");
    expect(headers.getSetCookie()).toEqual(["a=1; Path=/chat/access", "b=2; Path=/chat/ocs"]);
  });
});

describe("the homeserver's requests", () => {
  test("reach the bridge untouched", async () => {
    const seen: string[] = [];
    const matrix = async (request: Request) => {
      seen.push(`${request.method} ${new URL(request.url).pathname} ${await request.text()}`);
      return Response.json({}, { status: 200 });
    };
    const answer = await fakeApp({ matrix })("PUT", "/_matrix/app/v1/transactions/1", {
      json: { events: [] },
    });
    expect(answer).toMatchObject({ status: 200, json: {} });
    expect(seen).toEqual(['PUT /_matrix/app/v1/transactions/1 {"events":[]}']);
  });

  test("are refused in Matrix's shape where there is no bridge", async () => {
    const answer = await fakeApp()("PUT", "/_matrix/app/v1/transactions/1", { json: {} });
    expect(answer).toMatchObject({ status: 404, json: { errcode: "M_UNRECOGNIZED" } });
  });
});

describe("web files", () => {
  let folder: ReturnType<typeof webFolder>;
  let client: ReturnType<typeof fakeApp>;
  beforeAll(() => {
    folder = webFolder({
      "web/index.html": "<!doctype html><title>page</title>",
      "web/app.js": "export {};",
      "web/style.css": "body {}",
      "web/icon.svg": "<svg/>",
      "web/deep/module.js": "export {};",
      "web/secret.json": "{}",
      "web/.hidden.js": "secret",
      "client/client.js": "export {};",
      "client/client.js.map": "{}",
      "protocol/frames.js": "export {};",
      "http/app.js": "the server's own",
      "main.js": "the server's own",
    });
    client = fakeApp({ webRoot: folder.path });
  });
  afterAll(() => folder.remove());

  test.each([
    ["/", "text/html; charset=utf-8"],
    ["/web/index.html", "text/html; charset=utf-8"],
    ["/web/app.js", "text/javascript; charset=utf-8"],
    ["/web/deep/module.js", "text/javascript; charset=utf-8"],
    ["/web/style.css", "text/css; charset=utf-8"],
    ["/web/icon.svg", "image/svg+xml"],
    ["/client/client.js", "text/javascript; charset=utf-8"],
    ["/client/client.js.map", "application/json"],
    ["/protocol/frames.js", "text/javascript; charset=utf-8"],
  ])("%s is served as %s", async (path, type) => {
    const answer = await client("GET", path);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe(type);
    expect(answer.headers.get("content-security-policy")).toContain("script-src 'self'");
    expect(answer.headers.get("cache-control")).toBe("no-cache");
  });

  test("an unchanged file is 304, with the page's own policy", async () => {
    const first = await client("GET", "/web/app.js");
    const etag = first.headers.get("etag") ?? "";
    expect(etag).not.toBe("");
    const again = await client("GET", "/web/app.js", { headers: { "if-none-match": etag } });
    expect(again).toMatchObject({ status: 304, text: "" });
    expect(again.headers.get("content-security-policy")).toBe(first.headers.get("content-security-policy"));
  });

  test.each([
    "/web/secret.json",
    "/web/.hidden.js",
    "/web/nothing.js",
    "/web",
    "/web/deep",
    "/web/deep/",
    "/main.js",
    "/http/app.js",
    "/web/../main.js",
    "/web/%2e%2e/main.js",
    "/web/..%2fmain.js",
    "/web/..%5cmain.js",
    "/web//main.js",
    "/web/app.js%00.html",
    "/client/..%2fhttp%2fapp.js",
    "/web/app.js/x.js",
  ])("%s is not there", async (path) => {
    const answer = await client("GET", path);
    expect(answer.status).toBe(404);
    expect(answer.text).not.toContain("server's own");
  });
});

describe("documentation", () => {
  const client = fakeApp();
  const APIS = ["messenger", "talk", "wire", "protocol", "admin"];
  /** Talk's and Protocol's operations need a room to be asked about: they are tried with their own tests. */
  const ASKED = ["messenger", "wire", "admin"];

  test.each(APIS)("/openapi/%s.json is OpenAPI 3.1 whose references all resolve", async (api) => {
    const { json: document } = await client("GET", `/openapi/${api}.json`);
    expect(document.openapi).toBe("3.1.0");
    const references = JSON.stringify(document).match(/#\/components\/schemas\/\w+/g) ?? [];
    expect(references.length).toBeGreaterThan(0);
    for (const reference of references) {
      expect(document.components.schemas, reference).toHaveProperty(reference.split("/").at(-1) ?? "");
    }
  });

  test.each(ASKED)("what /openapi/%s.json documents is served, with its errors documented", async (api) => {
    const { json: document } = await client("GET", `/openapi/${api}.json`);
    for (const [path, item] of Object.entries<Record<string, { responses: object }>>(document.paths)) {
      const url = document.servers[0].url.replace(/\/$/, "") + path.replace(/\{\w+\}/g, "1");
      for (const [method, { responses }] of Object.entries(item)) {
        const { status, json } = await client(method.toUpperCase(), url);
        expect([200, 400, 401, 403, 415, 426, 500], `${method} ${url}: ${JSON.stringify(json)}`).toContain(
          status,
        );
        expect(Object.keys(responses), `${method} ${url}`).toContain(String(status));
      }
    }
  });

  test("is rendered once, and 304 for whoever has it", async () => {
    const [face] = createFaces(fakeOptions(), UNLIMITED);
    const document = vi.fn((face as Face).document);
    const docs = createDocs([{ ...(face as Face), document }], () => "");
    const first = await docs.request("/docs");
    for (let i = 0; i < 20; i++) await docs.request("/docs");
    expect(document).toHaveBeenCalledTimes(1);
    const headers = { "If-None-Match": first.headers.get("etag") as string };
    expect((await docs.request("/docs", { headers })).status).toBe(304);
  });

  test("/docs leads to a page per API, whose console reads its document", async () => {
    const overview = await client("GET", "/docs");
    for (const api of APIS) {
      expect(overview.text).toContain(`"docs/${api}"`);
      const page = await client("GET", `/docs/${api}`);
      expect(page.headers.get("content-type")).toMatch(/^text\/html/);
      expect(page.text).toContain(`data-document="../openapi/${api}.json"`);
    }
  });

  test("/docs needs nothing from elsewhere", async () => {
    const { text, headers } = await client("GET", "/docs/messenger");
    expect(text).not.toMatch(/(src|href)="(https?:)?\/\//);
    expect(headers.get("content-security-policy")).toContain("default-src 'none'");
    for (const path of ["docs.css", "console/swagger-ui.css"]) {
      const style = await client("GET", `/docs/${path}`);
      expect(style.headers.get("content-type")).toBe("text/css; charset=utf-8");
      expect(style.text).not.toMatch(/url\((?!"?data:)|@import/);
    }
    const script = await client("GET", "/docs/console/swagger-ui.js");
    expect(script.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
  });
});
