import { expect, test } from "vitest";
import type { LoggedEvent, User, Webhook } from "../../src/domain/model.ts";
import type { NewDelivery, WebhookNote, WebhookStore } from "../../src/domain/ports/store/webhooks.ts";
import { createCollector } from "../../src/webhooks/collector.ts";
import { createPayloads } from "../../src/webhooks/payloads.ts";

const ADA = { id: 1, uuid: "ada" } as User;
const WEBHOOK = { id: 7, events: null } as Webhook;

/** Reads one note, and tells the ids of its deliveries. */
async function idsOf(note: Pick<WebhookNote, "id" | "data">): Promise<string[]> {
  const kept: NewDelivery[] = [];
  const webhooks: Partial<WebhookStore> = {
    notes: async () => [{ type: "contact.created", viewer: ADA, roomId: null, webhooks: [WEBHOOK], ...note }],
    async settleNote(_id, deliveries) {
      kept.push(...deliveries);
      return true;
    },
  };
  await collectorOf(webhooks).readNotes();
  return kept.map(({ eventId }) => eventId);
}

/** Reads a log with one event, and tells the ids of its deliveries. */
async function idsOfEvent(at: number): Promise<string[]> {
  const kept: NewDelivery[] = [];
  const actor = { kind: "user", id: "1", name: "Ada" } as const;
  const event: LoggedEvent = {
    ...{ roomId: 5, room: "r", seq: 9, type: "room.deleted", id: null, actor, at, dataJson: "{}" },
  };
  const webhooks: Partial<WebhookStore> = {
    room: async () => ({
      ...{ room: { id: 5 } as never, lastActivity: null, pinned: null, deleted: false },
      people: [{ membership: {} as never, user: ADA }],
    }),
    unread: async () => [
      {
        ...{ webhook: WEBHOOK, roomId: 5, seq: 8, events: [event], people: [1] },
        ...{ takesPart: true, historyFrom: 0, queue: { seq: 8, reading: true } },
      },
    ],
    async advance(_log, { deliveries }) {
      kept.push(...deliveries);
      return true;
    },
  };
  await collectorOf(webhooks).readRoom(5);
  return kept.map(({ eventId }) => eventId);
}

function collectorOf(webhooks: Partial<WebhookStore>) {
  const store = { webhooks: webhooks as WebhookStore, messages: {} as never, users: {} as never };
  const fail = (fields: object) => {
    throw new Error(JSON.stringify(fields));
  };
  const payloads = createPayloads({ store, shape: async () => ({}), logger: { error: fail } });
  return createCollector({ store, payloads });
}

test("an event has one id however often it is read, and after a restore another event of its seq has another", async () => {
  const [first, again, other] = [await idsOfEvent(1_000), await idsOfEvent(1_000), await idsOfEvent(2_000)];
  expect(new Set([...first, ...other]).size).toBe(2 * first.length);
  expect(first.length).toBeGreaterThan(0);
  expect(again).toEqual(first);
});

test("so do notes of what is in no log", async () => {
  const note = { id: 3, data: { id: "a" } };
  const [first, again] = [await idsOf(note), await idsOf(note)];
  expect(first).toHaveLength(1);
  expect(again).toEqual(first);
  expect(await idsOf({ id: 3, data: { id: "b" } })).not.toEqual(first);
});
