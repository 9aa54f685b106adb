/** What an answer about an event tells: that it is there, that it is not, or nothing. */
import { expect, test } from "vitest";
import { createGhosts } from "../../../bridge/mapping/ghosts.ts";
import { createEventLookup } from "../../../bridge/rooms/event-lookup.ts";
import { refusal } from "../faulty.ts";

const ghosts = createGhosts({ prefix: "cw_", senderLocalpart: "cw_bot", serverName: "hs.test" });

function asked(answer: () => unknown) {
  const request = async <T>() => answer() as T;
  return createEventLookup({ request }, ghosts).ask({ matrixRoomId: "!room:hs.test" }, "$event");
}

test("an event is found, and one that the homeserver does not have is absent", async () => {
  const event = { event_id: "$event", type: "m.room.message" };
  expect(await asked(() => event)).toEqual({ standing: "found", event });
  const unknown = () => {
    throw refusal(404, "M_NOT_FOUND");
  };
  expect(await asked(unknown)).toEqual({ standing: "absent" });
});

test.each([[{}], [null], [{ ok: true }]])(
  "%j with status 200 is a proxy's page, and no answer about the event",
  async (page) => {
    expect(await asked(() => page)).toMatchObject({ standing: "away" });
  },
);
