/** How much presence asks of a homeserver. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { GhostAccounts } from "../../../bridge/homeserver/ghost-accounts.ts";
import { createPresenceToMatrix } from "../../../bridge/live/presence-to-matrix.ts";
import { createGhosts } from "../../../bridge/mapping/ghosts.ts";
import { userActor } from "../../../src/domain/model.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("ten requests a second at most, changes too; 200 people are online at a time, and are said to be so again in time", async () => {
  const said: string[] = [];
  const lookers = Array.from({ length: 300 }, (_, i) => userActor({ id: i + 1, displayName: "X" }));
  const accounts = {
    async request(matrixId: string, method: string, _path: string, more: { body: { presence: string } }) {
      if (method === "GET") return { presence: "online" };
      said.push(`${matrixId} ${more.body.presence}`);
      return {};
    },
  } as unknown as GhostAccounts;
  const presence = createPresenceToMatrix({
    store: {
      seenRooms: async () => [{ id: 1, token: "room" }],
      presentable: async (places) => places.map(({ member }) => member),
    },
    accounts,
    ghosts: createGhosts({ prefix: "cw_", senderLocalpart: "cw", serverName: "x.test" }),
    presence: { looking: async () => lookers },
    connected: () => true,
    counts: { liveDropped: 0 },
    logger: { info() {}, warn() {} },
  });
  await presence.connected();
  said.splice(0);
  /** Runs so many seconds. @returns what was said in each */
  const run = async (seconds: number) => {
    const each: string[][] = [];
    for (let n = 0; n < seconds; n++) {
      await vi.advanceTimersByTimeAsync(1_000);
      each.push(said.splice(0));
    }
    return each;
  };
  const first = await run(20);
  const begun = new Set(first.flat());
  expect(first.map((one) => one.length)).toEqual(Array(20).fill(10));
  expect(begun.size, "each once").toBe(200);
  const again = await run(20);
  expect(Math.max(...again.map((one) => one.length))).toBeLessThanOrEqual(10);
  expect(new Set(again.flat()), "the same, and nobody else").toEqual(begun);
  for (const { id } of lookers.slice(0, 15)) presence.note(1, `u:${id}`, false);
  const ends = await run(2);
  expect(ends.map((one) => one.filter((line) => line.endsWith("offline")).length)).toEqual([10, 5]);
  await presence.stop();
});
