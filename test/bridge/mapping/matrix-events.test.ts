import { expect, test } from "vitest";
import { readEvent } from "../../../bridge/mapping/matrix-events.ts";

const event = (content: unknown) => ({
  origin_server_ts: 1,
  ...{ event_id: "$1", room_id: "!1:hs.test", sender: "@mel:hs.test", type: "m.room.message" },
  content,
});

test("an event whose content nests deeper than it could be written down is none", () => {
  const nested = (levels: number) => JSON.parse(`${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`);
  const kept = readEvent(event(nested(100)));
  expect(JSON.parse(JSON.stringify(kept))).toEqual(event(nested(100)));
  expect(readEvent(event(nested(101)))).toBeNull();
  expect(readEvent(event(nested(30_000)))).toBeNull();
});
