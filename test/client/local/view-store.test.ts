/** What becomes of messages is told at once and worked out when it is written: the order in which it was told counts. */
import { expect, test } from "vitest";
import { itemOf, type StoredItem } from "../../../src/client/local/timeline/timeline.ts";
import { ViewStore } from "../../../src/client/local/view-store.ts";
import { memoryStore } from "../../../src/client/stores/memory.ts";
import type { RoomEvent } from "../../../src/protocol/frames.ts";

const ANN = { kind: "user", id: "1", name: "Ann" } as const;
const READER = { me: "1", read: 0 };

function event(seq: number, type: string, data: object): RoomEvent {
  return { op: "event", room: "r", seq, type, actor: ANN, at: seq, data } as RoomEvent;
}

function message(seq: number, text: string): StoredItem {
  return itemOf(event(seq, "message", { text })) as StoredItem;
}

function opened() {
  const view = new ViewStore(memoryStore(), (error) => {
    throw error;
  });
  const texts = async () =>
    (await view.items("r", 100, 100)).map((item) => item.type === "message" && item.data.text);
  return { view, texts };
}

test("a message is stored as its last change left it, whether it waits or is written", async () => {
  const { view, texts } = opened();
  view.saveItem(message(1, "one"));
  view.saveItem(message(2, "two"));
  view.changeItem(1, event(3, "message.edited", { seq: 1, text: "one, edited" }), READER);
  expect(await texts()).toEqual(["one, edited", "two"]);
  view.changeItem(2, event(4, "message.edited", { seq: 2, text: "two, edited" }), READER);
  view.saveItem(message(5, "three"));
  expect(await texts()).toEqual(["one, edited", "two, edited", "three"]);
});

test("what is removed takes what was told before, and not what is told after", async () => {
  const { view, texts } = opened();
  view.saveItem(message(1, "of another log"));
  view.clearItems("r");
  view.saveItem(message(2, "hidden"));
  view.saveItem(message(3, "kept"));
  view.removeItem("r", 2);
  expect(await texts()).toEqual(["kept"]);
  view.saveItem(message(4, "of another person"));
  view.clear();
  view.saveItem(message(5, "of this one"));
  expect(await texts()).toEqual(["of this one"]);
});
