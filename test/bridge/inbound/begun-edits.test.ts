/** An edit from Matrix that a worker had begun to take when it was killed. */
import { expect, test } from "vitest";
import { createInboundEdits } from "../../../bridge/inbound/content/edits.ts";
import { readEvent } from "../../../bridge/mapping/matrix-events.ts";
import { shownHash } from "../../../bridge/mapping/translate.ts";

const SENDER = "@mel:hs.test";
const EDIT = readEvent({
  ...{ event_id: "$second", room_id: "!room:hs.test", sender: SENDER, type: "m.room.message" },
  origin_server_ts: 1_000,
  content: {
    ...{ msgtype: "m.text", body: "* second", "m.new_content": { msgtype: "m.text", body: "second" } },
    "m.relates_to": { rel_type: "m.replace", event_id: "$message" },
  },
});

/** The texts that the chat takes for the edit. Its message says “first” there, since after the edit's time. */
async function taken(shown: string): Promise<string[]> {
  const texts: string[] = [];
  const original = {
    ...{ eventId: "$message", roomId: 1, seq: 5, op: "message", sender: SENDER, target: null },
    ...{ shown: shownHash(shown), file: null, redacted: false, at: 500 },
  };
  const message = { type: "message", dataJson: JSON.stringify({ text: "first", edited: 2_000 }) };
  const edits = createInboundEdits({
    store: {
      applied: async () => {},
      mirroredEvent: async () => original,
      mirroredParts: async () => [],
      putShown: async () => {},
      arriving: async () => null,
    },
    log: { event: async () => message },
    messages: {
      edit: async (...[, , , { text }]: [unknown, unknown, unknown, { text: string }]) => texts.push(text),
    },
    superseded: { redact: async () => {} },
    ghosts: { read: () => null },
  } as never);
  const room = { id: 1, token: "room" };
  await edits.apply(room as never, EDIT as never, { name: "Mel" } as never, "$message");
  return texts;
}

test("it is taken, also when an older one came to the chat after its time", async () => {
  expect(await taken("second")).toEqual(["second"]);
});

test("the chat's own edit that is newer and not in Matrix yet stays", async () => {
  expect(await taken("what Matrix shows")).toEqual([]);
});
