/** What the homeserver may ask, and who may not. */
import { describe, expect, test } from "vitest";
import { createAppservice } from "../../../bridge/inbound/appservice.ts";
import { createGhosts } from "../../../bridge/mapping/ghosts.ts";
import { newCounts } from "../../../bridge/metrics.ts";

function appservice(
  receive: (events: readonly unknown[]) => Promise<number> = async () => 0,
  receiveLive: (events: readonly unknown[]) => void = () => {},
) {
  const ghosts = createGhosts({ prefix: "cw_", serverName: "hs.test", senderLocalpart: "cw_sender" });
  const logger = { warn: () => {} };
  const handle = createAppservice({
    hsToken: "hs-secret",
    ghosts,
    inbox: { receive },
    live: { receive: receiveLive },
    counts: newCounts(),
    logger,
  });
  return async (method: string, path: string, body?: string, token: string | null = "Bearer hs-secret") => {
    const headers: Record<string, string> = token === null ? {} : { authorization: token };
    const request = new Request(`http://bridge${path}`, {
      method,
      headers,
      ...(body !== undefined && { body }),
    });
    const response = await handle(request);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
}

describe("the application service", () => {
  test.each([
    null,
    "",
    "Bearer",
    "Bearer wrong",
    "Bearer hs-secret-and-more",
    "Basic hs-secret",
    "hs-secret",
  ])("refuses the token %s on every path, also an unknown one", async (token) => {
    const ask = appservice(() => Promise.reject(new Error("must not come here")));
    for (const path of ["/_matrix/app/v1/transactions/1", "/_matrix/app/v1/nothing"]) {
      expect(await ask("PUT", path, '{"events":[]}', token)).toMatchObject({
        status: 403,
        body: { errcode: "M_FORBIDDEN" },
      });
    }
  });

  test("answers a ping, the question for its bot, and for nobody and nothing else", async () => {
    const ask = appservice();
    expect(await ask("POST", "/_matrix/app/v1/ping", "{}")).toEqual({ status: 200, body: {} });
    expect((await ask("GET", "/_matrix/app/v1/users/%40cw_bot%3Ahs.test")).status).toBe(200);
    for (const path of ["users/%40cw_7%3Ahs.test", "rooms/%23cw_room%3Ahs.test"]) {
      expect(await ask("GET", `/_matrix/app/v1/${path}`)).toMatchObject({
        status: 404,
        body: { errcode: "M_NOT_FOUND" },
      });
    }
  });

  test.each([
    ["GET", "/_matrix/app/v1/transactions/1"],
    ["PUT", "/_matrix/app/v1/transactions"],
    ["PUT", "/_matrix/app/v1/transactions/1/2"],
    ["GET", "/_matrix/app/v1/ping"],
    ["GET", "/_matrix/app/v1/"],
    ["GET", "/_matrix/app/v1/%E0%A4%A"],
    ["GET", "/_matrix/app/v2/ping"],
    ["GET", "/_matrix/app/v1/thirdparty/protocol/irc"],
  ])("does not know %s %s", async (method, path) => {
    const body = method === "PUT" ? "{}" : undefined;
    expect(await appservice()(method, path, body)).toMatchObject({
      status: 404,
      body: { errcode: "M_UNRECOGNIZED" },
    });
  });

  test.each(["", "no json", "[]", "{}", '{"events": 7}', "null"])(
    "says what is wrong with the body %s",
    async (body) => {
      const answer = await appservice()("PUT", "/_matrix/app/v1/transactions/1", body);
      expect(answer).toMatchObject({ status: 400, body: { errcode: "M_BAD_JSON" } });
    },
  );

  test("what could not be stored is not taken: the homeserver delivers it again", async () => {
    const ask = appservice(() => Promise.reject(new Error("the database is away")));
    expect((await ask("PUT", "/_matrix/app/v1/transactions/1", '{"events":[{}]}')).status).toBe(503);
  });

  test.each([
    ["ephemeral", { ephemeral: [{ type: "m.receipt" }], "de.sorunome.msc2409.ephemeral": [1, 2] }],
    ["their name before Matrix 1.13", { "de.sorunome.msc2409.ephemeral": [{ type: "m.receipt" }] }],
  ])("takes ephemeral events once, by %s, and after the others", async (_, more) => {
    const order: unknown[] = [];
    const ask = appservice(
      async (events) => order.push(["events", events]),
      (events) => void order.push(["live", events]),
    );
    const body = JSON.stringify({ events: [{ type: "m.room.message" }], ...more });
    expect(await ask("PUT", "/_matrix/app/v1/transactions/1", body)).toMatchObject({ status: 200 });
    expect(order).toEqual([
      ["events", [{ type: "m.room.message" }]],
      ["live", [{ type: "m.receipt" }]],
    ]);
  });
});
