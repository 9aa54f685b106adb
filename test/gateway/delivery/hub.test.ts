/** How the hub begins to follow rooms, and what it does with those that it stops following while it reads their log. */
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import type { LoggedEvent } from "../../../src/domain/model.ts";
import { Hub, type HubOptions } from "../../../src/gateway/delivery/hub.ts";
import { GatewayMetrics } from "../../../src/gateway/metrics.ts";
import { createMemoryBus } from "../../../src/hot/memory/bus.ts";
import { createLogger } from "../../../src/logger.ts";

const EVENT: LoggedEvent = {
  ...{ roomId: 7, room: "a2b3c4d5", seq: 1, type: "message", id: "k-1", at: 5 },
  actor: { kind: "user", id: "12", name: "Zoë" },
  dataJson: '{"text":"hello"}',
};

function hubOn(rangeMany: HubOptions["log"]["rangeMany"]): Hub {
  return new Hub({
    ...{
      log: { rangeMany },
      bus: createMemoryBus(),
      metrics: new GatewayMetrics(new Registry()),
    },
    ...{ logger: createLogger("silent"), topics: { publish: () => {} }, sessions: [] },
    fileUrls: { file: (id) => id, period: () => 0 },
  });
}

test("a room that is let go while its log is read is not read on", async () => {
  let reads = 0;
  const hub = hubOn(async ([asked]) => {
    if (++reads > 3) throw new Error("it is read on and on");
    hub.reset();
    return Array.from({ length: 100 }, (_, n) => ({ ...EVENT, seq: (asked?.after ?? 0) + 1 + n }));
  });
  const room = hub.follow(EVENT.roomId, EVENT.room, { head: { seq: 0, at: 0 } });
  await hub.fill([room]);
  expect([reads, room.delivered]).toEqual([1, 0]);
});

test("a room that was followed by a hint learns from a list of rooms that its lobby is open, but not from an old list", async () => {
  const hub = hubOn(async () => []);
  const { roomId, room: token } = EVENT;
  const room = hub.follow(roomId, token, { head: { seq: 4, at: 0 } });
  expect(room.lobbyMayBeShut).toBe(true);
  hub.follow(roomId, token, { head: { seq: 3, at: 0 }, lobbyMayBeShut: false });
  expect(room.lobbyMayBeShut).toBe(true);
  hub.follow(roomId, token, { head: { seq: 5, at: 0 }, lobbyMayBeShut: false });
  expect(room.lobbyMayBeShut).toBe(false);
});
