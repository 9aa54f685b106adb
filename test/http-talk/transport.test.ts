/** The OCS transport (reference §B.1): envelopes, formats, versions, credentials, parameters. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { fakeApp } from "../http/fake-parts.ts";
import { describeWith } from "../services/need.ts";
import { API, clientOf, join, makeRoom, openSite, type Person, type Site } from "./site.ts";

const REFUSAL = (statuscode: number) => ({
  ocs: { meta: { status: "failure", statuscode, message: expect.any(String) }, data: [] },
});

describeWith("postgres", "the OCS transport", ({ postgres }) => {
  let site: Site;
  let ada: Person;
  beforeAll(async () => {
    site = await openSite(postgres.url);
    ada = await site.person("Ada");
  });
  afterAll(() => site?.close());

  const raw = (method: string, path: string, headers: Record<string, string> = {}, body?: string) =>
    site.http(
      new Request(`http://127.0.0.1${path}`, { method, headers, ...(body !== undefined && { body }) }),
      { ip: "192.0.2.1" },
    );

  test("[B.1] an answer stands in the envelope, with HTTP's status and message OK", async () => {
    const answer = await ada.get("/room");
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text)).toEqual({
      ocs: { meta: { status: "ok", statuscode: 200, message: "OK" }, data: [] },
    });
  });

  test("[B.1] a refusal stands in it with empty data", async () => {
    const answer = await ada.get("/room/nosuchroom");
    expect(answer.status).toBe(404);
    expect(JSON.parse(answer.text)).toEqual(REFUSAL(404));
  });

  test("[B.1] who is not logged in gets HTTP 401 and 997", async () => {
    const answer = await site.guest().get("/room");
    expect(answer.status).toBe(401);
    expect(JSON.parse(answer.text)).toEqual({
      ocs: {
        meta: { status: "failure", statuscode: 997, message: "Current user is not logged in" },
        data: [],
      },
    });
  });

  test.each([
    ["a wrong password", () => `Basic ${Buffer.from(`${ada.id}:nonsense`).toString("base64")}`],
    ["an unknown user", () => `Basic ${Buffer.from("nobody-at-all:x").toString("base64")}`],
    ["no colon", () => `Basic ${Buffer.from("nobody").toString("base64")}`],
    ["an unknown token", () => "Bearer nonsense"],
    ["ADMIN_TOKEN", () => "Bearer admin token"],
    ["another scheme", () => "Digest x"],
  ])("[B.1] %s is 401, and makes nobody a guest", async (_, header) => {
    const client = clientOf(site.http, { Authorization: header() });
    for (const path of ["/room", "/room/nosuchroom"]) {
      expect(await client.get(path)).toMatchObject({ status: 401, meta: { statuscode: 997 } });
    }
  });

  test("[B.1] an organization's token is 401 as Bearer", async () => {
    const { directory } = site.useCases;
    const { id } = await directory.createOrganization({ name: "Org" });
    const { token } = await directory.createToken({ organizationId: id, name: "test" });
    expect(await clientOf(site.http, { Authorization: `Bearer ${token}` }).get("/room")).toMatchObject({
      status: 401,
    });
  });

  test("[B.1] Basic takes handle or e-mail, and Bearer a personal access token or a login's", async () => {
    await site.useCases.directory.updateUser(ada.user.id, { email: "ada@example.org" });
    const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;
    const { accessToken } = await site.useCases.accounts.login(ada.id, PASSWORD_OF_ADA, {
      persistent: false,
      ip: "192.0.2.1",
    });
    for (const header of [
      basic(`${ada.id}:${PASSWORD_OF_ADA}`),
      basic(`ada@example.org:${PASSWORD_OF_ADA}`),
      `Bearer ${ada.token}`,
      `bearer ${accessToken}`,
    ]) {
      expect((await clientOf(site.http, { Authorization: header }).get("/room")).status).toBe(200);
    }
  });

  test.each(["get", "post", "put", "delete"] as const)(
    "[B.1] without OCS-APIRequest %s is 412, raw; Bearer needs none",
    async (verb) => {
      const path = { get: "/room", post: "/room", put: "/room/abcdefgh", delete: "/room/abcdefgh" }[verb];
      const answer = await ada[verb](path, {}, { headers: { "OCS-APIRequest": "" } });
      expect(answer.status).toBe(412);
      expect(JSON.parse(answer.text)).toEqual({ message: "CSRF check failed" });
      const bearer = clientOf(site.http, { Authorization: `Bearer ${ada.token}`, "OCS-APIRequest": "" });
      expect((await bearer[verb](path)).status).not.toBe(412);
    },
  );

  test("[B.1] guests need OCS-APIRequest too; where only users are let in, that comes first", async () => {
    const token = await makeRoom(ada, { type: 3 });
    const without = { headers: { "OCS-APIRequest": "false" } };
    expect((await site.guest().get(`/room/${token}`, {}, without)).status).toBe(412);
    expect((await site.guest().post(`/room/${token}/participants/active`, {}, without)).status).toBe(412);
    expect((await site.guest().get("/room", {}, without)).status).toBe(401);
  });

  test("[B.1] an unknown operation is 998 with HTTP 404, a wrong verb 405", async () => {
    const unknown = await ada.get("/nonsense");
    expect(unknown).toMatchObject({ status: 404, meta: { status: "failure", statuscode: 998 }, data: [] });
    expect(unknown.meta.message).toMatch(/^Invalid query, please check the syntax/);
    const wrong = await ada.call("PATCH", "/room");
    expect(wrong).toMatchObject({ status: 405, meta: { statuscode: 405 }, data: [] });
    expect(wrong.headers.get("allow")).toBe("GET, HEAD, POST");
  });

  test("[B.1] XML is the default, JSON comes with Accept or format=json", async () => {
    const authorization = { Authorization: `Bearer ${ada.token}` };
    const asked: [string, string | undefined, "json" | "xml"][] = [
      ["", undefined, "xml"],
      ["", "*/*", "xml"],
      ["", "application/json", "json"],
      ["", "application/json, text/plain, */*", "json"],
      ["", "text/html, application/xml;q=0.9, application/json;q=0.8", "xml"],
      ["?format=json", undefined, "json"],
      ["?format=json", "application/xml", "json"],
      ["?format=xml", "application/json", "xml"],
    ];
    for (const [query, accept, format] of asked) {
      const answer = await raw("GET", `/ocs/v2.php${API}/room${query}`, {
        ...authorization,
        ...(accept && { Accept: accept }),
      });
      expect(answer.headers.get("content-type"), `${query} ${accept}`).toBe(
        `application/${format}; charset=utf-8`,
      );
    }
  });

  test("[B.1] in XML items of lists are elements, true is 1, false and nothing are empty", async () => {
    const name = 'Räume & <Träume> "\u0001" 🙂';
    const token = await makeRoom(ada, { type: 3, name });
    const answer = await raw("GET", `/ocs/v2.php${API}/room`, { Authorization: `Bearer ${ada.token}` });
    const text = await answer.text();
    expect(text).toMatch(/^<\?xml version="1.0" encoding="UTF-8"\?>\s*<ocs>\s*<meta>\s*<status>ok<\/status>/);
    expect(text).toContain("<statuscode>200</statuscode>");
    expect(text).toContain(`<token>${token}</token>`);
    expect(text).toContain("<element>");
    expect(text).toContain("<name>Räume &amp; &lt;Träume&gt; &quot;\ufffd&quot; 🙂</name>");
    expect(text).toContain("<canStartCall>1</canStartCall>");
    expect(text).toContain("<hasPassword/>");
    expect(text).toContain("<objectType/>");
    const empty = await raw("GET", `/ocs/v2.php${API}/room`, {
      Authorization: `Bearer ${(await site.person()).token}`,
    });
    expect(await empty.text()).toContain("<data/>");
    const refused = await raw("GET", `/ocs/v2.php${API}/room/nosuchroom`, { "OCS-APIRequest": "true" });
    expect(refused.status).toBe(404);
    expect(await refused.text()).toContain("<statuscode>404</statuscode>");
  });

  test("[B.1] in XML a user id that is no element's name stands in an attribute", async () => {
    const { user } = await site.person("Nine");
    await site.useCases.directory.updateUser(user.id, { handle: "9@nine" });
    const token = await makeRoom(ada);
    await ada.post(`/room/${token}/participants`, { newParticipant: "9@nine" });
    const answer = await raw("GET", `/ocs/v2.php${API}/room/${token}`, {
      Authorization: `Bearer ${ada.token}`,
    });
    expect(await answer.text()).toMatch(/<element key="9@nine">\s*<name>Nine<\/name>/);
  });

  test("[B.1] version 1 answers HTTP 200 with its own statuscode, 100 when it went well", async () => {
    const v1 = { version: 1 } as const;
    const good = await ada.get("/room", {}, v1);
    expect(good).toMatchObject({ status: 200, meta: { status: "ok", statuscode: 100, message: "OK" } });
    const made = await ada.post("/room", { roomType: 3, roomName: "V1" }, v1);
    expect(made).toMatchObject({ status: 200, meta: { statuscode: 100 }, data: { name: "V1" } });
    expect(await ada.get("/room/nosuchroom", {}, v1)).toMatchObject({
      status: 200,
      meta: { status: "failure", statuscode: 404 },
    });
    expect(await site.guest().get("/room", {}, v1)).toMatchObject({ status: 200, meta: { statuscode: 997 } });
    expect(await ada.get("/nonsense", {}, v1)).toMatchObject({ meta: { statuscode: 998 } });
    expect((await ada.call("PATCH", "/room", {}, v1)).status).toBe(405);
  });

  test.each([
    [
      "a form",
      (fields: object) => ["application/x-www-form-urlencoded", new URLSearchParams(fields as never)],
    ],
    ["JSON", (fields: object) => ["application/json", JSON.stringify(fields)]],
    [
      "JSON with numbers as texts",
      (fields: object) => ["application/json;charset=utf-8", JSON.stringify({ ...fields, roomType: "3" })],
    ],
  ])("[B.1] parameters come as %s", async (_, encode) => {
    const [type, body] = encode({ roomType: 3, roomName: "Ünï 🙂 قاعة" });
    const answer = await ada.post(
      "/room",
      {},
      { body: String(body), headers: { "Content-Type": String(type) } },
    );
    expect(answer).toMatchObject({ status: 201, data: { name: "Ünï 🙂 قاعة", type: 3 } });
  });

  test("[B.1] parameters come in a query too, and a body counts before it", async () => {
    const inQuery = await ada.call("POST", "/room", { roomType: 3, roomName: "Query" }, { body: "" });
    expect(inQuery).toMatchObject({ status: 201, data: { name: "Query" } });
    const both = await ada.call(
      "POST",
      "/room",
      { roomType: 3, roomName: "Query" },
      { body: "roomName=Body" },
    );
    expect(both).toMatchObject({ status: 201, data: { name: "Body", type: 3 } });
  });

  test("[B.8.4] a DELETE's form counts", async () => {
    const ben = await site.person("Ben");
    const token = await makeRoom(ada, { people: [ben] });
    const answer = await ada.delete(`/room/${token}/participants`, { participant: ben.id });
    expect(answer.status).toBe(200);
    expect((await ada.get(`/room/${token}/participants`)).data).toHaveLength(1);
  });

  test.each([
    ["broken JSON", "application/json", "{", "body must be valid JSON"],
    ["a list", "application/json", "[1]", "body must be a JSON object"],
    ["null", "application/json", "null", "body must be a JSON object"],
    [
      "a deep list",
      "application/json",
      `${"[".repeat(20_000)}${"]".repeat(20_000)}`,
      "body must be a JSON object",
    ],
    ["another type", "text/plain", "roomType=3", "body must be a form"],
    ["a broken form of parts", "multipart/form-data; boundary=x", "nonsense", "body must be a form"],
    [
      "bytes that are no UTF-8",
      "application/json",
      new Uint8Array([0x22, 0xff, 0x22]),
      "body must be valid UTF-8",
    ],
    [
      "an object for a text",
      "application/json",
      '{"roomType":3,"roomName":{"a":1}}',
      "roomName must be a text",
    ],
    [
      "a list for a number",
      "application/json",
      '{"roomType":[3],"roomName":"a"}',
      "roomType must be an integer",
    ],
    ["NUL", "application/json", '{"roomType":3,"roomName":"a\\u0000b"}', "roomName must be a text"],
    ["half an emoji", "application/json", '{"roomType":3,"roomName":"a\\ud83d"}', "roomName must be a text"],
  ])("refuses %s with 400 and names the rule", async (_, type, body, rule) => {
    const answer = await ada.post("/room", {}, { body: body as string, headers: { "Content-Type": type } });
    expect(answer).toMatchObject({ status: 400, meta: { statuscode: 400 }, data: [] });
    expect(answer.meta.message).toContain(rule);
  });

  test("refuses a body beyond its bound with 413, in the envelope", async () => {
    const answer = await ada.post("/room", { roomType: 3, roomName: "x".repeat(600_000) });
    expect(answer).toMatchObject({ status: 413, meta: { statuscode: 413 }, data: [] });
  });

  test("[B.1] guests are known by a cookie that works over plain HTTP on loopback, and is Secure elsewhere", async () => {
    const token = await makeRoom(ada, { type: 3 });
    const joining = (origin: string) =>
      site.http(
        new Request(`${origin}/ocs/v2.php${API}/room/${token}/participants/active`, {
          method: "POST",
          headers: { "OCS-APIRequest": "true" },
        }),
        { ip: "192.0.2.1" },
      );
    const onLoopback = (await joining("http://127.0.0.1:8080")).headers.get("set-cookie");
    expect(onLoopback).toMatch(/^causeway_guest=[^;]+; Path=\/ocs; HttpOnly; SameSite=Lax$/);
    const elsewhere = (await joining("https://chat.example.org")).headers.get("set-cookie");
    expect(elsewhere).toContain("Secure");
  });

  test("[B.1] one cookie jar is one guest, in every room another", async () => {
    const rooms = [await makeRoom(ada, { type: 3 }), await makeRoom(ada, { type: 3 })] as const;
    const [gus, hal] = [site.guest(), site.guest()];
    const sessions = [await join(gus, rooms[0]), await join(gus, rooms[1]), await join(hal, rooms[0])];
    expect(new Set(sessions).size).toBe(3);
    expect(await join(gus, rooms[0])).toBe(sessions[0]);
    expect((await ada.get(`/room/${rooms[0]}/participants`)).data).toHaveLength(3);
  });

  test("[B.3] [B.4] /openapi/talk.json has every operation, and each is served with a status that it documents", async () => {
    const answer = await raw("GET", "/openapi/talk.json");
    const document = (await answer.json()) as {
      openapi: string;
      paths: Record<string, Record<string, { responses: object }>>;
    };
    expect(document.openapi).toBe("3.1.0");
    const served: string[] = [];
    for (const [path, operations] of Object.entries(document.paths)) {
      for (const [method, { responses }] of Object.entries(operations)) {
        served.push(`${method.toUpperCase()} ${path.replace(API, "")}`);
        const { status } = await raw(
          method.toUpperCase(),
          `/ocs/v2.php${path.replace(/\{\w+\}/g, "unknown1")}`,
          {
            "OCS-APIRequest": "true",
          },
        );
        expect(Object.keys(responses), `${method} ${path}`).toContain(String(status));
        expect(status, `${method} ${path}`).toBeLessThan(405);
      }
    }
    expect(served.sort()).toEqual(OPERATIONS);
  });

  test("[B.1] capabilities are for everybody, in both versions", async () => {
    for (const client of [ada, site.guest()]) {
      const answer = await client.get("/cloud/capabilities");
      expect(answer.status).toBe(200);
      const { spreed } = answer.data.capabilities;
      expect(spreed.features).toEqual(
        "audio video chat-v2 guest-signaling empty-group-room guest-display-names multi-room-users favorites last-room-activity no-ping system-messages mention-flag in-call-flags notification-levels invite-groups-and-mails locked-one-to-one-rooms read-only-rooms chat-read-marker webinary-lobby start-call-flag chat-replies".split(
          " ",
        ),
      );
      expect(spreed.config.chat["max-length"]).toBe(32_000);
    }
    expect(await ada.get("/cloud/capabilities", {}, { version: 1 })).toMatchObject({
      status: 200,
      meta: { statuscode: 100 },
    });
  });
});

test("[B.1] a defect of the server is 996 with HTTP 500, 200 in version 1, and says nothing of itself", async () => {
  const client = fakeApp({ accounts: { authenticate: () => Promise.reject(new Error("made of cheese")) } });
  const headers = { Authorization: "Bearer x", Accept: "application/json" };
  for (const [version, status] of [
    [2, 500],
    [1, 200],
  ]) {
    const answer = await client("GET", `/ocs/v${version}.php${API}/room`, { headers });
    expect(answer).toMatchObject({ status, json: REFUSAL(996) });
    expect(answer.text).not.toContain("cheese");
  }
});

const PASSWORD_OF_ADA = "a password: with ünicode";

const OPERATIONS = [
  "DELETE /call/{token}",
  "DELETE /cloud/groups/{groupId}",
  "DELETE /cloud/users/{userId}",
  "DELETE /room/{token}",
  "DELETE /room/{token}/favorite",
  "DELETE /room/{token}/moderators",
  "DELETE /room/{token}/participants",
  "DELETE /room/{token}/participants/active",
  "DELETE /room/{token}/participants/guests",
  "DELETE /room/{token}/participants/self",
  "DELETE /room/{token}/public",
  "GET /call/{token}",
  "GET /chat/{token}",
  "GET /chat/{token}/mentions",
  "GET /cloud/capabilities",
  "GET /cloud/groups",
  "GET /cloud/groups/{groupId}",
  "GET /cloud/groups/{groupId}/users",
  "GET /cloud/users",
  "GET /cloud/users/{userId}",
  "GET /room",
  "GET /room/{token}",
  "GET /room/{token}/participants",
  "GET /signaling/settings",
  "GET /signaling/{token}",
  "POST /call/{token}",
  "POST /chat/{token}",
  "POST /chat/{token}/read",
  "POST /cloud/groups",
  "POST /cloud/users",
  "POST /cloud/users/{userId}/groups",
  "POST /guest/{token}/name",
  "POST /room",
  "POST /room/{token}/favorite",
  "POST /room/{token}/moderators",
  "POST /room/{token}/notify",
  "POST /room/{token}/participants",
  "POST /room/{token}/participants/active",
  "POST /room/{token}/public",
  "POST /signaling/{token}",
  "PUT /cloud/users/{userId}",
  "PUT /room/{token}",
  "PUT /room/{token}/password",
  "PUT /room/{token}/read-only",
  "PUT /room/{token}/webinar/lobby",
  "PUT /room/{token}/webinary/lobby",
].sort();
