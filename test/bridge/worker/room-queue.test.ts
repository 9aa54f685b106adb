import { expect, test } from "vitest";
import { createRoomQueue, type NextTurn } from "../../../bridge/worker/room-queue.ts";

/** Turns that end when the test says so. */
function scripted(parallel: number) {
  const started: number[] = [];
  const open = new Map<number, (next: NextTurn) => void>();
  const queue = createRoomQueue(parallel, (id) => {
    started.push(id);
    return new Promise((resolve) => open.set(id, resolve));
  });
  const end = async (id: number, next: NextTurn = "later") => {
    open.get(id)?.(next);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { started, queue, end };
}

test("no more rooms than allowed are at their turn, and urgent ones go first", async () => {
  const { started, queue, end } = scripted(2);
  for (const id of [1, 2, 3, 4]) queue.wake(id);
  queue.wake(4, true);
  expect(started).toEqual([1, 2]);
  await end(1);
  expect(started).toEqual([1, 2, 4]);
  await end(2);
  expect(started).toEqual([1, 2, 4, 3]);
  await end(4);
  await end(3);
  expect(queue.size).toBe(0);
});

test("a room that is woken during its turn gets one more, and never two at once", async () => {
  const { started, queue, end } = scripted(4);
  queue.wake(1);
  queue.wake(1);
  queue.wake(1, true);
  expect(started).toEqual([1]);
  await end(1);
  expect(started).toEqual([1, 1]);
  await end(1);
  expect(started).toEqual([1, 1]);
});

test("a room with more to do waits behind the others", async () => {
  const { started, queue, end } = scripted(1);
  queue.wake(1);
  queue.wake(2);
  await end(1, "now");
  expect(started).toEqual([1, 2]);
  await end(2);
  expect(started).toEqual([1, 2, 1]);
});

test("stopping waits for what is under way and starts nothing more", async () => {
  const { started, queue, end } = scripted(1);
  queue.wake(1);
  queue.wake(2);
  let stopped = false;
  const stopping = queue.stop().then(() => {
    stopped = true;
  });
  await end(7);
  expect(stopped).toBe(false);
  await end(1, "now");
  await stopping;
  queue.wake(3);
  expect(started).toEqual([1]);
});
