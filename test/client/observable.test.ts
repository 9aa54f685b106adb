/** Lists and entries of rooms as React's `useSyncExternalStore` wants them: the same object until something changed. */
import { expect, test } from "vitest";
import { observe } from "../../src/client/emitter.ts";
import { apps } from "./app.ts";
import { scriptedServers } from "./scripted-server.ts";

const startServer = scriptedServers();
const app = apps();

test("the list of rooms and an entry are the same objects until something changed", async () => {
  const server = await startServer();
  server.message("a", "first", { at: 1 });
  server.message("b", "second", { at: 2 });
  const ann = app({ url: server.url });
  const { rooms } = ann.client;
  const handle = ann.client.room("a");
  expect(rooms.getSnapshot()).toEqual([]);
  expect(handle.getSnapshot()).toBeUndefined();
  const told: string[] = [];
  rooms.subscribe(() => told.push("rooms"));
  const off = handle.subscribe(() => told.push("entry"));
  await ann.client.connect();
  expect(told).toEqual(["rooms", "entry"]);
  const before = [rooms.getSnapshot(), handle.getSnapshot()];
  expect(before[0]).toMatchObject([{ room: "b" }, { room: "a", unread: 1 }]);
  expect(
    [rooms.getSnapshot(), ann.client.room("a").getSnapshot()].map((now, n) => now === before[n]),
  ).toEqual([true, true]);
  off();
  server.message("a", "third", { at: 3 });
  await ann.until("the message", () => handle.getSnapshot()?.unread === 2);
  await Promise.resolve();
  expect(told).toEqual(["rooms", "entry", "rooms"]);
  expect(rooms.getSnapshot()).toMatchObject([{ room: "a", unread: 2 }, { room: "b" }]);
});

test("changes that follow one another at once are told once", async () => {
  let value = 0;
  const { subscribe, getSnapshot, changed } = observe(() => ({ value }));
  const seen: number[] = [];
  subscribe(() => seen.push(getSnapshot().value));
  for (value = 1; value < 5; value++) changed();
  expect(getSnapshot()).toEqual({ value: 5 });
  await Promise.resolve();
  expect(seen).toEqual([5]);
});
