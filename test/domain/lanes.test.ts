/** Who goes first where tasks wait. */
import { expect, test } from "vitest";
import { DomainError } from "../../src/domain/errors.ts";
import { createLanes, type Lane } from "../../src/domain/lanes.ts";

/** Tasks that run until they are ended, in the order in which they began. */
function tasks(options: Parameters<typeof createLanes>[0]) {
  const inLane = createLanes(options);
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const run = (lane: Lane, name: string) =>
    inLane(lane, async () => {
      begun.push(name);
      await new Promise<void>((end) => ends.push(end));
      return name;
    });
  const endOne = async () => {
    ends.shift()?.();
    await Promise.resolve();
  };
  return { run, begun, endOne };
}

test("who is known goes before strangers who came earlier, and each lane keeps its order", async () => {
  const { run, begun, endOne } = tasks({ parallel: 1, maxWaiting: 10, pace: null });
  const all = [
    run("stranger", "s1"),
    run("stranger", "s2"),
    run("stranger", "s3"),
    run("known", "k1"),
    run("known", "k2"),
  ];
  for (let i = 1; i <= all.length; i++) {
    await expect.poll(() => begun.length).toBe(i);
    await endOne();
  }
  await Promise.all(all);
  expect(begun).toEqual(["s1", "k1", "k2", "s2", "s3"]);
});

test("a full lane of strangers is busy, and keeps nobody else out", async () => {
  const { run, endOne } = tasks({ parallel: 1, maxWaiting: 2, pace: null });
  const all = [run("stranger", "running"), run("stranger", "a"), run("stranger", "b")];
  const refusal = await run("stranger", "c").catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(DomainError);
  expect(refusal).toMatchObject({ code: "busy", retryAfterMs: expect.any(Number) as number });
  all.push(run("known", "k"));
  const done = Promise.all(all);
  let isDone = false;
  void done.then(() => {
    isDone = true;
  });
  while (!isDone) {
    await endOne();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await done).toEqual(["running", "a", "b", "k"]);
});

test("strangers are begun at a pace, and those who are known are not", async () => {
  const inLane = createLanes({ parallel: 4, maxWaiting: 100, pace: { burst: 2, perSecond: 20 } });
  const order: string[] = [];
  const run = (lane: Lane, name: string) => inLane(lane, async () => void order.push(name));
  const strangers = ["s1", "s2", "s3", "s4"].map((name) => run("stranger", name));
  await Promise.all(["k1", "k2", "k3"].map((name) => run("known", name)));
  expect(order).toEqual(["s1", "s2", "k1", "k2", "k3"]);
  await Promise.all(strangers);
  expect(order.slice(-2)).toEqual(["s3", "s4"]);
});

test("a task that fails frees its place", async () => {
  const inLane = createLanes({ parallel: 1, maxWaiting: 1, pace: null });
  await expect(inLane("known", () => Promise.reject(new Error("on purpose")))).rejects.toThrow("on purpose");
  expect(await inLane("stranger", async () => 1)).toBe(1);
});
