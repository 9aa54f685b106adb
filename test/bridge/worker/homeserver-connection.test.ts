/** The connection to a homeserver that answers, and yet can't be used. */
import { expect, test } from "vitest";
import type { Homeserver } from "../../../bridge/homeserver/homeserver.ts";
import { HomeserverError } from "../../../bridge/homeserver/homeserver-error.ts";
import { createGhosts } from "../../../bridge/mapping/ghosts.ts";
import { createHomeserverConnection } from "../../../bridge/worker/homeserver-connection.ts";
import { until } from "../world.ts";

test("a homeserver that takes us in and fails then is asked less and less often, and the bot is named once", async () => {
  const connects: number[] = [];
  const warnings: string[] = [];
  let name: unknown = null;
  let named = 0;
  const homeserver = {
    registration: { id: "causeway", prefix: "cw_" },
    async ensureRegistered() {
      connects.push(performance.now());
    },
    ensureDevice: async () => true,
    async request(method: string, path: string, { body }: { body?: { displayname?: string } } = {}) {
      if (!path.endsWith("/displayname")) return {};
      if (method === "GET" && name === null)
        throw new HomeserverError("none", { status: 404, errcode: "M_NOT_FOUND" });
      if (method === "GET") return { displayname: name };
      named++;
      name = body?.displayname;
      return {};
    },
  } as unknown as Homeserver;
  const stopping = new AbortController();
  const link = createHomeserverConnection({
    homeserver,
    ghosts: createGhosts({ prefix: "cw_", senderLocalpart: "cw", serverName: "x.test" }),
    reconciler: {
      ensureCursor: async () => {},
      reconcile: () => Promise.reject(new HomeserverError("a proxy", { status: 502 })),
    },
    check: async () => {},
    onConnected() {},
    logger: { info() {}, warn: (_: object, message: string) => void warnings.push(message) } as never,
    signal: stopping.signal,
    reconcileMs: 1_000,
    roomVersion: "11",
  });
  await until("it was tried four times", async () => connects.length >= 4);
  stopping.abort();
  await link.done();
  const [first = 0, second = 0, third = 0, fourth = 0] = connects;
  // Timers are never early by more than a millisecond.
  expect(third - second).toBeGreaterThan(490);
  expect(fourth - third).toBeGreaterThan(990);
  expect(second).toBeGreaterThan(first);
  expect(warnings).toHaveLength(1);
  expect(named).toBe(1);
});
