/** What is shaped once for all who wait is shaped anew when what it quotes was edited or deleted. */
import { expect, test } from "vitest";
import type { LoggedEvent, Room } from "../../src/domain/model.ts";
import type { TimelineEntry } from "../../src/domain/use-cases/messages.ts";
import { createLiveMessages } from "../../src/http/talk/shapes/live-messages.ts";
import type { MessageBody } from "../../src/http/talk/shapes/message-shapes.ts";

const ROOM = { id: 5, token: "r", type: "group" } as Room;

function event(seq: number, type: LoggedEvent["type"], data: object): LoggedEvent {
  const actor = { kind: "user", id: "1", name: "Ada" } as const;
  return {
    roomId: 5,
    room: "r",
    seq,
    type,
    id: null,
    actor,
    at: seq,
    dataJson: JSON.stringify(data),
  };
}

test("an answer does not quote what was taken back", async () => {
  let quoted = "a secret";
  const live = createLiveMessages(
    { entriesForAll: async (events) => events.map((one) => ({ event: one, message: {} }) as TimelineEntry) },
    {
      ofAll: async (_, entries) =>
        entries.map(({ event: { seq: id } }) => ({ id, message: quoted }) as MessageBody),
    },
  );
  const answer = event(2, "message", { text: "yes", replyTo: 1 });
  expect(await live.of(ROOM, [answer], 0)).toMatchObject([{ message: "a secret" }]);
  quoted = "harmless";
  live.heard(event(3, "message.edited", { seq: 1, hidden: true }));
  expect(await live.of(ROOM, [answer], 0)).toMatchObject([{ message: "harmless" }]);
});
