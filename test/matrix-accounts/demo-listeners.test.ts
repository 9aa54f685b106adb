import { expect, test, vi } from "vitest";
import { createListeners, faultsOf } from "../../bridge/demo/listeners.ts";

const SPOKEN = ["one", "two", "three"];

test.each<[string, string[], string[]]>([
  ["nothing wrong", ["one", "two", "three"], []],
  ["a missing line", ["one", "three"], ["Bob: “two” is missing"]],
  ["a doubled line", ["one", "two", "two", "three"], ["Bob: “two” came 2 times"]],
  ["a line that nobody said", ["one", "two", "three", "four"], ["Bob: “four” was never said"]],
  ["lines out of order", ["one", "three", "two"], ["Bob: out of order, “three” came where “two” was said"]],
  ["several at once", ["two", "two"], ["“one” is missing", "“two” came 2 times", "“three” is missing"]],
])("the demo finds %s", (_, heard, faults) => {
  const found = faultsOf("Bob", SPOKEN, heard);
  expect(found).toHaveLength(faults.length);
  for (const [i, fault] of faults.entries()) expect(found[i]).toContain(fault);
});

test("a line counts as heard when it came to every ear, and each is shown as it comes", async () => {
  const show = vi.fn();
  const ears = createListeners(show);
  const [app, matrix] = [ears.add("app"), ears.add("Matrix")];
  let all = false;
  const heard = ears.untilReceived(["one"]).then(() => {
    all = true;
  });
  app.receive("Alice", "one");
  await Promise.resolve();
  expect(all).toBe(false);
  matrix.receive("Alice", "one");
  await heard;
  expect(show.mock.calls).toEqual([
    ["app", "Alice", "one"],
    ["Matrix", "Alice", "one"],
  ]);
  expect(ears.faults(["one"])).toEqual([]);
});

test("who lacks a line is named when it does not come", async () => {
  vi.useFakeTimers();
  const ears = createListeners(() => undefined);
  ears.add("app").receive("Alice", "one");
  ears.add("Matrix");
  const heard = expect(ears.untilReceived(["one"])).rejects.toThrowError(
    "Matrix did not hear “one” within 30 s",
  );
  await vi.runAllTimersAsync();
  await heard;
  vi.useRealTimers();
});
