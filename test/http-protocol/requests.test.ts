/** What all operations of the Protocol API share: who calls, bodies, errors, bounds, documentation (reference §D.2). */
import { beforeAll, describe, expect, test } from "vitest";
import { fakeApp } from "../http/fake-parts.ts";
import type { Call } from "../http/http-client.ts";
import { ADMIN_TOKEN, PUBLIC_URL } from "../http/real-parts.ts";
import { describeProtocol, refusal, type Someone } from "./api.ts";

const FORM = "application/x-www-form-urlencoded";
const LISTS = ["/v1/contacts", "/v1/conversations", "/v1/messages", "/v1/groups", "/v1/attachments"];

describeProtocol("a request to Protocol", (place) => {
  let kate: Someone;

  beforeAll(async () => {
    kate = await place.person();
  });

  const basic = (login: string, password: string) => ({
    Authorization: `Basic ${Buffer.from(`${login}:${password}`).toString("base64")}`,
  });
  const get = (headers: Record<string, string>, path = "/v1/conversations") =>
    place.client("GET", path, { headers });
  const post = (body: string, headers: Record<string, string> = { "content-type": FORM }) =>
    place.client("POST", "/v1/groups", { headers: { ...kate.bearer, ...headers }, body });

  describe("authentication", () => {
    test("[D.2] a token as Bearer, or handle (or e-mail) and password as Basic, are 200", async () => {
      expect((await get(kate.bearer)).status).toBe(200);
      expect((await get(basic(kate.handle, "secret"))).status).toBe(200);
      expect((await get(basic(kate.email as string, "secret"))).status).toBe(200);
    });

    test("[D.2] a login's access token works as Bearer", async () => {
      const login = await place.client("POST", "/login", {
        json: { handle: kate.handle, password: "secret" },
      });
      expect((await get({ Authorization: `Bearer ${login.json.access_token}` })).status).toBe(200);
    });

    test("[D.2] without, or with anything else, it is 401 with the error object, on every list", async () => {
      const org = await place.org();
      for (const headers of [
        {},
        { Authorization: "Bearer nonsense" },
        { Authorization: "Bearer" },
        { Authorization: `Bearer ${ADMIN_TOKEN}` },
        { Authorization: `Bearer ${org.auth["API-TOKEN"]}` },
        { "API-TOKEN": org.auth["API-TOKEN"] },
        { Authorization: "Basic %%%" },
        basic(kate.handle, "wrong"),
        basic("nobody", "secret"),
        basic("", ""),
      ] as Record<string, string>[]) {
        const answer = await get(headers);
        expect(answer, JSON.stringify(headers)).toMatchObject(refusal(401));
        expect(answer.headers.get("www-authenticate")).toContain("Bearer");
      }
      for (const path of LISTS) expect(await get({}, path)).toMatchObject(refusal(401));
    });
  });

  describe("a browser that remembers a password", () => {
    let mara: Someone;
    beforeAll(async () => {
      mara = await place.person();
    });

    test("is never asked for one, and other programs are", async () => {
      const challenge = async (headers: Record<string, string>) =>
        (await get(headers)).headers.get("www-authenticate");
      for (const ofBrowsers of [
        { "Sec-Fetch-Site": "none" },
        { "Sec-Fetch-Mode": "navigate" },
        { Origin: "https://evil.example.org" },
        { "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0" },
      ] as Record<string, string>[])
        expect(await challenge(ofBrowsers), JSON.stringify(ofBrowsers)).toBe("Bearer");
      for (const ofPrograms of [{}, { "User-Agent": "Java-http-client/21" }] as Record<string, string>[])
        expect(await challenge(ofPrograms)).toBe('Bearer, Basic realm="Causeway"');
    });

    test.each([
      ["a form", "POST", FORM, "name=Forged"],
      ["a form that is put", "PUT", FORM, "name=Forged"],
      ["a form with a charset", "POST", `${FORM.toUpperCase()}; charset=utf-8`, "name=Forged"],
      ["a file", "POST", "multipart/form-data; boundary=x", "--x--"],
      ["JSON in disguise", "POST", "text/plain", '{"name":"Forged"}'],
      ["no body", "POST", undefined, undefined],
    ])("can't be made to send %s with it by another site", async (_, method, type, body) => {
      const path = type?.startsWith("multipart") ? "/v1/attachments" : "/v1/groups";
      const sent = (headers: Record<string, string>) =>
        place.client(method, method === "PUT" ? `${path}/${"x".repeat(16)}` : path, {
          headers: { ...headers, ...(type !== undefined && { "content-type": type }) },
          ...(body !== undefined && { body }),
        });
      const auth = basic(mara.handle, "secret");
      const before = (await mara.get("/groups")).json.data.length;
      expect(await sent(auth)).toMatchObject(refusal(403, expect.stringContaining("X-Requested-With")));
      expect((await mara.get("/groups")).json.data.length).toBe(before);
      for (const allowed of [{ ...auth, "X-Requested-With": "app" }, mara.bearer])
        expect([401, 403]).not.toContain((await sent(allowed)).status);
    });

    test("JSON with it needs nothing more: browsers ask before they send it", async () => {
      const call: Call = { headers: basic(mara.handle, "secret"), json: { name: "Crew" } };
      expect(await place.client("POST", "/v1/groups", call)).toMatchObject({ status: 201 });
    });
  });

  describe("errors", () => {
    test("[D.2] have type, message and a documentation_url that opens", async () => {
      const { json } = await kate.get("/conversations?limit=101");
      expect(json).toEqual({
        type: "invalid_request",
        message: "limit must be an integer from 1 to 100",
        documentation_url: `${PUBLIC_URL}/docs/errors/invalid_request`,
      });
      for (const type of ["invalid_request", "api_error"]) {
        const page = await place.client("GET", `/docs/errors/${type}`);
        expect(page.status).toBe(200);
        expect(page.text).toContain(type);
      }
    });

    test("[D.2] an unknown path is 404 and a wrong method 405, in the same shape", async () => {
      for (const path of ["/v1", "/v1/nothing", "/v1/conversations/a/b", "/v1/attachments/a/b"]) {
        expect(await get(kate.bearer, path), path).toMatchObject(refusal(404));
      }
      const answer = await place.client("PATCH", "/v1/conversations", { headers: kate.bearer, json: {} });
      expect(answer).toMatchObject(refusal(405, "/v1/conversations takes GET, HEAD, POST, not PATCH"));
      expect(answer.headers.get("allow")).toContain("POST");
    });
  });

  describe("lists", () => {
    test.each(LISTS)(
      "[D.2] %s takes limits from 1 to 100 and one cursor that it knows, else it is 400",
      async (path) => {
        expect(await get(kate.bearer, path)).toMatchObject({
          status: 200,
          json: { has_more: false, data: [] },
        });
        for (const limit of [1, 100])
          expect((await get(kate.bearer, `${path}?limit=${limit}`)).status).toBe(200);
        const cursor = "x".repeat(16);
        for (const [query, field] of [
          ["limit=0", "limit"],
          ["limit=101", "limit"],
          [`starting_after=${cursor}`, "starting_after"],
          [`ending_before=${cursor}`, "ending_before"],
          [`starting_after=${cursor}&ending_before=${cursor}`, "ending_before"],
        ]) {
          const answer = await get(kate.bearer, `${path}?${query}`);
          expect(answer, query).toMatchObject(refusal(400, expect.stringContaining(field as string)));
        }
      },
    );
  });

  describe("bodies", () => {
    test("a trailing slash and letters of the content type make no difference", async () => {
      const headers = { ...kate.bearer, "content-type": "Application/X-WWW-Form-Urlencoded; charset=UTF-8" };
      const answer = await place.client("POST", "/v1/groups/", { headers, body: "name=Crew" });
      expect(answer).toMatchObject({ status: 201, json: { name: "Crew" } });
    });

    test.each([
      ["broken JSON", "{", "application/json", 400, "body must be valid JSON"],
      ["a list", "[]", "application/json", 400, "body must be a JSON object"],
      ["null", "null", "application/json", 400, "body must be a JSON object"],
      ["no body", "", "application/json", 400, "name is required"],
      ["an empty form", "", FORM, 400, "name is required"],
      ["a text", "name=x", "text/plain", 415, expect.any(String)],
      ["a form that is no UTF-8", "name=%ff", FORM, 400, "body must be a form in percent-encoded UTF-8"],
      ["a broken escape", "name=%zz", FORM, 400, "body must be a form in percent-encoded UTF-8"],
      [
        "a lone surrogate",
        '{"name":"\\ud800"}',
        "application/json",
        400,
        expect.stringContaining("name must be"),
      ],
      ["a form that is too deep", "name=x&a[b][c][d][e][f]=1", FORM, 400, expect.stringContaining("3 deep")],
      [
        "a form of too many fields",
        "a[]=1&".repeat(10_001),
        FORM,
        400,
        expect.stringContaining("10000 fields"),
      ],
      ["a name twice", "name=a&name=b", FORM, 400, expect.stringContaining("name must be")],
    ])("%s is refused", async (_, body, type, status, message) => {
      expect(await post(body, { "content-type": type })).toMatchObject(refusal(status, message));
    });

    test("bytes that are no UTF-8 are 400", async () => {
      const call: Call = { headers: kate.bearer, body: new Uint8Array([0x22, 0xff, 0x22]) };
      expect(await place.client("POST", "/v1/groups", call)).toMatchObject(
        refusal(400, "body must be valid UTF-8"),
      );
    });

    test("names of the language are names like any others", async () => {
      for (const field of ["__proto__", "constructor", "hasOwnProperty", "toString"]) {
        expect(await post(`name=x&${field}[admin]=true&${field}=1`), field).toMatchObject({ status: 201 });
        expect(await kate.post("/groups", `{"name":"x","${field}":{"name":"y"}}`)).toMatchObject(
          refusal(400),
        );
        const json = { headers: kate.bearer, body: `{"name":"x","${field}":{"name":"y"}}` };
        expect(await place.client("POST", "/v1/groups", json)).toMatchObject({
          status: 201,
          json: { name: "x" },
        });
      }
      expect(({} as Record<string, unknown>).admin).toBeUndefined();
    });

    test("one that is too long is 413, announced or not, or cut off by the server before", async () => {
      const megabyte = new Uint8Array(1_048_576).fill(0x20);
      const endless = new ReadableStream({ pull: (stream) => stream.enqueue(megabyte) });
      for (const call of [
        { headers: kate.bearer, body: endless },
        { headers: { ...kate.bearer, "content-length": String(1e12) }, body: "{}" },
        { headers: { ...kate.bearer, "content-type": FORM }, body: `name=${"x".repeat(1_048_576)}` },
        { headers: kate.bearer, info: { bodyTooLarge: true } },
      ]) {
        const answer = await place.client("POST", "/v1/groups", call);
        expect(answer).toMatchObject(refusal(413, expect.stringContaining("body must have at most")));
      }
    });
  });

  test("describes itself in OpenAPI, with forms beside JSON", async () => {
    const { json } = await place.client("GET", "/openapi/protocol.json");
    expect(json.openapi).toBe("3.1.0");
    expect(Object.keys(json.paths)).toHaveLength(11);
    const { content } = json.paths["/v1/conversations"].post.requestBody;
    const $ref = "#/components/schemas/NewConversation";
    expect(content).toEqual({ "application/json": { schema: { $ref } }, [FORM]: { schema: { $ref } } });
    expect(json.components.schemas.NewConversation).toMatchObject({ type: "object" });
    expect(json.components.securitySchemes).toMatchObject({
      bearer: { scheme: "bearer" },
      basic: { scheme: "basic" },
    });
  });
});

test("[D.2] a defect of the server is api_error, and says nothing of itself", async () => {
  const authenticate = () => Promise.reject(new Error("the disk is made of cheese"));
  const client = fakeApp({ accounts: { authenticate } });
  const answer = await client("GET", "/v1/conversations", { headers: { Authorization: "Bearer x" } });
  expect(answer.status).toBe(500);
  expect(answer.json).toEqual({
    type: "api_error",
    message: expect.stringContaining("logged"),
    documentation_url: "https://chat.example.org/docs/errors/api_error",
  });
});
