/** What all HTTP APIs have in common, each in its own shape: errors, unknown paths, wrong methods, bad bodies, limits. */
import { describe, expect, test } from "vitest";
import { DomainError, ERRORS, type ErrorCode } from "../../src/domain/errors.ts";
import { ADMIN, CALLER, fakeApp, USER_PRINCIPAL } from "./fake-parts.ts";
import type { Answer } from "./http-client.ts";

interface FaceCase {
  name: string;
  /** A route that takes a JSON body, with a body that it accepts. */
  path: string;
  body: object;
  headers: Record<string, string>;
  unknown: string;
  /** What it says of a path that it does not have. */
  says?: string;
  /** Bodies may be forms too, in the API's own ways, which are tested with it. */
  forms?: true;
  /** Parameters that it does not have are mistakes. */
  strict?: true;
  /** Insists on the API's own error shape and returns its message. */
  message(answer: Answer): string;
}

const BEARER = { Authorization: "Bearer a token" };
const OCS = { ...BEARER, "OCS-APIRequest": "true", Accept: "application/json" };

const FACES: FaceCase[] = [
  {
    name: "Messenger",
    strict: true,
    path: "/api/v1/chat/chatrooms",
    body: { organizationID: 1, name: "Room" },
    headers: CALLER,
    unknown: "/api/v1/chat/nonsense",
    message: ({ json }) => {
      expect(json).toEqual({ success: false, message: expect.any(String), error: expect.any(String) });
      return json.message;
    },
  },
  {
    name: "Messenger without its prefix",
    strict: true,
    path: "/chatrooms",
    body: { organizationID: 1, name: "Room" },
    headers: CALLER,
    unknown: "/chatrooms/1/nonsense",
    message: ({ json }) => {
      expect(json).toEqual({ success: false, message: expect.any(String), error: expect.any(String) });
      return json.message;
    },
  },
  {
    name: "admin",
    strict: true,
    path: "/admin/v1/organizations",
    body: { name: "Org" },
    headers: ADMIN,
    unknown: "/admin/v1/nonsense",
    message: ({ json }) => {
      expect(Object.keys(json)).toEqual(["error"]);
      expect(json.error).toMatchObject({ code: expect.any(String), message: expect.any(String) });
      return json.error.message;
    },
  },
  {
    name: "Wire",
    path: "/login",
    body: { handle: "ada", password: "secret" },
    headers: {},
    unknown: "/login/nonsense",
    message: ({ json, status }) => {
      expect(json).toEqual({ code: status, label: expect.any(String), message: expect.any(String) });
      return json.message;
    },
  },
  {
    name: "Protocol",
    strict: true,
    path: "/v1/groups",
    body: { name: "Group" },
    headers: BEARER,
    unknown: "/v1/nonsense",
    forms: true,
    message: protocolMessage,
  },
  {
    name: "Talk",
    path: "/ocs/v2.php/apps/spreed/api/v1/room",
    body: { roomType: 3, roomName: "Room" },
    headers: OCS,
    unknown: "/ocs/v2.php/apps/spreed/api/v1/nonsense",
    says: "Invalid query",
    forms: true,
    message: talkMessage,
  },
];

const deep = `${"[".repeat(20_000)}${"]".repeat(20_000)}`;

describe.each(FACES)("the $name API", ({ path, headers, unknown, message, body, forms, says, strict }) => {
  const client = fakeApp();

  test("answers 404 in its own shape for a path that it does not have, to strangers too", async () => {
    for (const call of [{ headers }, { headers: { Accept: "application/json" } }]) {
      const answer = await client("GET", unknown, call);
      expect(answer.status).toBe(404);
      expect(message(answer)).toContain(says ?? "There is no GET");
    }
  });

  test("answers 405 with Allow for a method that a path does not take", async () => {
    const answer = await client("DELETE", path, { headers });
    expect(answer.status).toBe(405);
    expect(answer.headers.get("allow")).toContain("POST");
    expect(message(answer)).toContain("not DELETE");
  });

  test.each([
    ["broken JSON", "{", 400, "body must be valid JSON"],
    ["a list", "[1]", 400, "body must be a JSON object"],
    ["a deeply nested list", deep, 400, "body must be a JSON object"],
    ["null", "null", 400, "body must be a JSON object"],
    ["bytes that are no UTF-8", new Uint8Array([0x22, 0xff, 0x22]), 400, "body must be valid UTF-8"],
  ])("refuses %s", async (_, sent, status, rule) => {
    const answer = await client("POST", path, { headers, body: sent });
    expect(answer.status).toBe(status);
    expect(message(answer)).toBe(rule);
  });

  if (strict) {
    test("refuses a query parameter that it does not know, once it knows the caller", async () => {
      const answer = await client("GET", `${path}?q=hello`, { headers });
      expect({ status: answer.status, message: message(answer) }).toEqual({
        status: 400,
        message: "q is not a parameter of this request",
      });
      expect((await client("GET", `${path}?q=hello`)).status).toBe(401);
    });
  }

  test("refuses a body in another charset than UTF-8 with 415", async () => {
    const send = (charset: string) =>
      client("POST", path, {
        headers: { ...headers, "content-type": `application/json; charset=${charset}` },
        body: "{",
      });
    for (const charset of ["utf-16", '"UTF-16LE"', "iso-8859-1"]) {
      const answer = await send(charset);
      expect(answer.status).toBe(415);
      expect(message(answer)).toContain("UTF-8");
    }
    for (const charset of ["utf-8", "UTF8", '"utf-8"', "us-ascii"]) {
      expect((await send(charset)).status).toBe(400);
    }
  });

  if (!forms) {
    test("refuses an empty body", async () => {
      const answer = await client("POST", path, { headers, body: "" });
      expect(answer.status).toBe(400);
      expect(message(answer)).toBe("body must be valid JSON");
    });

    test("refuses a body of another type with 415", async () => {
      for (const type of ["application/x-www-form-urlencoded", "text/plain;charset=UTF-8"]) {
        const answer = await client("POST", path, {
          headers: { ...headers, "content-type": type },
          body: JSON.stringify(body),
        });
        expect(answer.status).toBe(415);
        expect(message(answer)).toContain("application/json");
      }
    });
  }

  test("refuses a body that is too long with 413, announced or not, or cut off by the server before", async () => {
    const megabyte = new Uint8Array(1_048_576).fill(0x20);
    const endless = new ReadableStream({ pull: (stream) => stream.enqueue(megabyte) });
    const announced = { ...headers, "content-length": String(1e12) };
    for (const call of [
      { headers, body: endless },
      { headers: announced, body: "{}" },
      { headers, info: { bodyTooLarge: true } },
    ]) {
      const answer = await client("POST", path, call);
      expect(answer.status).toBe(413);
      expect(message(answer)).toContain("body must have at most");
    }
  });

  test("limits requests per address, says when to come back", async () => {
    const limits = { take: async () => 2_300, reset: async () => {} };
    const refused = await fakeApp({ rateLimits: true, hot: { limits } })("GET", unknown, { headers });
    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).toBe("3");
    expect(message(refused)).toBe("Too many requests");
  });

  test("is open to web apps with tokens of their own, without cookies", async () => {
    const preflight = await client("OPTIONS", path, {
      headers: {
        origin: "https://app.example.org",
        "access-control-request-method": "POST",
        "access-control-request-headers": "personal-access-token,content-type",
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-origin")).toBe("*");
    expect(preflight.headers.get("access-control-allow-headers")).toContain("personal-access-token");
    expect(preflight.headers.get("access-control-allow-methods")).toContain("PATCH");
    expect(preflight.headers.has("access-control-allow-credentials")).toBe(false);
    const refusal = await client("GET", unknown, { headers: { origin: "https://app.example.org" } });
    expect(refusal.headers.get("access-control-allow-origin")).toBe("*");
  });

  test("keeps answers out of caches and frames", async () => {
    const answer = await client("GET", unknown, { headers });
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      "referrer-policy": "no-referrer",
      "content-security-policy": expect.stringContaining("default-src 'none'"),
    });
  });
});

const STATUS: Record<ErrorCode, number> = {
  bad_request: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  too_large: 413,
  rate_limited: 429,
  read_only: 403,
  lobby: 403,
  busy: 503,
  unavailable: 503,
};

describe("a refusal of the domain", () => {
  const codes = Object.keys(ERRORS) as ErrorCode[];
  const detail = { field: "organizationId", retryAfterMs: 10 };

  test.each(codes)("%s has its status and shape on Messenger", async (code) => {
    const get = () => Promise.reject(new DomainError(code, "organizationId is wrong", detail));
    const answer = await fakeApp({ chatrooms: { get } })("GET", "/chatrooms/1", { headers: CALLER });
    expect(answer.status).toBe(STATUS[code]);
    expect(answer.json).toEqual({
      success: false,
      message: "organizationID is wrong",
      error: expect.stringMatching(/^[a-z -]+$/),
    });
    expect(answer.headers.get("retry-after")).toBe("1");
  });

  test.each(codes)("%s has its status and shape on the admin API", async (code) => {
    const stats = () => Promise.reject(new DomainError(code, "name is wrong", { field: "name" }));
    const answer = await fakeApp({ stats })("GET", "/admin/v1/stats", { headers: ADMIN });
    expect(answer.status).toBe(STATUS[code]);
    expect(answer.json).toEqual({ error: { code, message: "name is wrong", field: "name" } });
  });

  test.each(codes)("%s has its status and shape on Wire", async (code) => {
    const authenticate = () => Promise.reject(new DomainError(code, "no"));
    const answer = await fakeApp({ accounts: { authenticate } })("GET", "/self?access_token=x");
    expect(answer.status).toBe(STATUS[code]);
    expect(answer.json).toEqual({
      code: STATUS[code],
      label: expect.stringMatching(/^[a-z-]+$/),
      message: "no",
    });
  });

  test.each(codes)("%s has its status and shape on Protocol", async (code) => {
    const authenticate = () => Promise.reject(new DomainError(code, "no"));
    const answer = await fakeApp({ accounts: { authenticate } })("GET", "/v1/groups", { headers: BEARER });
    expect(answer.status).toBe(STATUS[code]);
    expect(protocolMessage(answer)).toBe("no");
  });

  test.each(codes)("%s has its status and shape on Talk", async (code) => {
    const authenticate = () => Promise.reject(new DomainError(code, "no"));
    const path = "apps/spreed/api/v1/room";
    const client = fakeApp({ accounts: { authenticate } });
    const answer = await client("GET", `/ocs/v2.php/${path}`, { headers: OCS });
    expect(answer.status).toBe(code === "lobby" ? 412 : STATUS[code]);
    expect(talkMessage(answer)).toBe(code === "unauthorized" ? "Current user is not logged in" : "no");
    const inV1 = await client("GET", `/ocs/v1.php/${path}`, { headers: OCS });
    expect(inV1.status).toBe(200);
    expect(inV1.json).toEqual(answer.json);
  });
});

function protocolMessage({ json, status }: Answer): string {
  const type = status >= 500 ? "api_error" : "invalid_request";
  expect(json).toEqual({
    ...{ type, message: expect.any(String) },
    documentation_url: `https://chat.example.org/docs/errors/${type}`,
  });
  return json.message;
}

function talkMessage({ json, status }: Answer): string {
  const { meta, data } = json.ocs;
  // OCS has numbers of its own for who is not logged in, what is no operation, and defects.
  const statuscodes = [status, ...({ 401: [997], 404: [998], 500: [996] }[status] ?? [])];
  expect(meta).toEqual({ status: "failure", statuscode: expect.any(Number), message: expect.any(String) });
  expect(statuscodes).toContain(meta.statuscode);
  expect(data).toEqual([]);
  return meta.message;
}

describe("a defect", () => {
  test("is 500 in the API's shape, and logged without its text reaching the client or a secret the log", async () => {
    const logged: unknown[] = [];
    const log = (...args: unknown[]) => void logged.push(args);
    const logger = { error: log, info: () => {}, warn: log };
    const accounts = { authenticate: () => Promise.reject(new Error("the disk is made of cheese")) };
    const client = fakeApp({ accounts, logger });
    const answer = await client("GET", "/self?access_token=s3cret", { headers: { Cookie: "zuid=s3cret" } });
    const json = { code: 500, label: "server-error", message: expect.stringContaining("logged") };
    expect(answer).toMatchObject({ status: 500, json });
    expect(answer.text).not.toContain("cheese");
    expect(logged).toEqual([
      [
        {
          event: "http.failed",
          err: new Error("the disk is made of cheese"),
          method: "GET",
          path: "/self",
        },
        "a request failed; it was answered with 500",
      ],
    ]);
  });
});

describe("paths", () => {
  const get = async () => Promise.reject(new DomainError("not_found", "no room here"));

  test("a trailing slash and the prefix make no difference", async () => {
    const client = fakeApp({ chatrooms: { get } });
    for (const path of [
      "/chatrooms/1",
      "/chatrooms/1/",
      "/api/v1/chat/chatrooms/1",
      "/api/v1/chat/chatrooms/1/",
    ]) {
      const answer = await client("GET", path, { headers: CALLER });
      expect(answer.json.message, path).toBe("no room here");
    }
  });

  test("HEAD answers as GET does, without the body", async () => {
    const answer = await fakeApp()("HEAD", "/admin/v1/stats", { headers: ADMIN });
    expect(answer).toMatchObject({ status: 200, text: "" });
  });

  test("outside of every API a path is 404 with a hint", async () => {
    for (const path of [
      "/nothing",
      "/api/v1",
      "/chatroomsX",
      "/administrator",
      "/.env",
      "/%2e%2e/%2e%2e/etc/passwd",
    ]) {
      const answer = await fakeApp()("GET", path);
      expect(answer.status, path).toBe(404);
      expect(answer.json.error).toEqual({ code: "not_found", message: expect.stringContaining("/docs") });
    }
  });
});

test("a caller is limited on their own, whatever the address", async () => {
  const keys: string[] = [];
  const take = async (key: string) => {
    keys.push(key);
    return key === `http:user:${USER_PRINCIPAL.kind === "user" && USER_PRINCIPAL.user.id}` ? 500 : 0;
  };
  const client = fakeApp({ rateLimits: true, hot: { limits: { take, reset: async () => {} } } });
  const answer = await client("GET", "/chatrooms/1", { headers: CALLER });
  expect(answer.status).toBe(429);
  expect(keys).toEqual(["http:address:192.0.2.1", "http:user:7"]);
});
