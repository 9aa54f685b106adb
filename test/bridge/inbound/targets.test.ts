/** What becomes of an event whose target comes, or whose homeserver answers strangely, in this very moment. */
import { expect, test } from "vitest";
import { createTargets } from "../../../bridge/inbound/targets.ts";
import { readEvent } from "../../../bridge/mapping/matrix-events.ts";
import { createEventLookup } from "../../../bridge/rooms/event-lookup.ts";

const ROOM = { id: 1, token: "room", matrixRoomId: "!room:hs.test" };
const EDIT = readEvent({
  ...{ event_id: "$edit", room_id: ROOM.matrixRoomId, sender: "@mel:hs.test", type: "m.room.message" },
  content: { body: "* b", "m.relates_to": { rel_type: "m.replace", event_id: "$target" } },
});

/** @param looks where the bridge has the target, at each look in turn @param answer of the homeserver about the target */
async function readiness({
  looks,
  canWait,
  answer,
}: {
  looks: unknown[];
  canWait: boolean;
  answer: unknown;
}) {
  const aside: string[] = [];
  const targets = createTargets({
    store: {
      whereabouts: async () => looks.shift() ?? null,
      waitFor: async () => canWait,
      inboxEntry: async () => null,
      putEventAside: async (_room: number, { eventId }: { eventId: string }) => void aside.push(eventId),
      applied: async () => {},
    },
    inbox: { receive: async () => 0 },
    events: createEventLookup({ request: async () => answer } as never, { bot: "@cw_bot:hs.test" } as never),
    connected: () => true,
    counts: { withoutTarget: 0 },
    logger: { info() {} },
  } as never);
  const how = { isOverdue: false, above: [], applyFirst: async () => {} };
  return { isReady: await targets.ready(ROOM as never, EDIT as never, how), aside };
}

test("a target that was applied between two looks is there, and its edit is no dead letter", async () => {
  const now = await readiness({ looks: ["received", "received", "applied"], canWait: false, answer: {} });
  expect(now).toEqual({ isReady: true, aside: [] });
});

test.each([{}, null, "a page"])(
  "where %j with status 200 is the answer about the target, the edit waits for it",
  async (answer) => {
    expect(await readiness({ looks: [], canWait: true, answer })).toEqual({ isReady: false, aside: [] });
  },
);
