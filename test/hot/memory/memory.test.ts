import { expect, test, vi } from "vitest";
import { userKey } from "../../../src/domain/model.ts";
import { SWEEP_MS } from "../../../src/hot/lifetimes.ts";
import { createMemoryHot } from "../../../src/hot/memory/memory.ts";
import { hotContract } from "../contract.ts";

hotContract("memory", () => createMemoryHot());

test("memory sweeps by itself", async () => {
  vi.useFakeTimers();
  try {
    const { hot, bus } = createMemoryHot();
    await hot.sessions.put([{ id: "s", userId: 1, node: "n", device: null, startedAt: 0 }], SWEEP_MS / 2);
    await vi.advanceTimersByTimeAsync(SWEEP_MS);
    expect(await hot.sweep(Date.now())).toEqual({ sessions: 0 });
    await Promise.all([bus.close(), hot.close()]);
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});

test("memory forgets the counters of those asked for longest ago when members are too many", async () => {
  const { hot, bus } = createMemoryHot();
  const entry = { read: 1, readMessages: 1, mentions: 0 };
  for (let id = 0; id < 60_000; id++) await hot.unread.set(userKey(id), [{ roomId: 1, entry }]);
  expect(await hot.unread.get(userKey(0), [1])).toEqual([null]);
  expect(await hot.unread.get(userKey(59_999), [1])).toEqual([entry]);
  await Promise.all([bus.close(), hot.close()]);
});

test("a closed bus drops what is published, and delivers nothing more", async () => {
  const { hot, bus } = createMemoryHot();
  const handler = vi.fn();
  await bus.subscribe("room:1", handler);
  await bus.close();
  bus.publish("room:1", Uint8Array.of(1));
  expect(bus.stats()).toMatchObject({ published: 0, dropped: 1, connected: false });
  await hot.close();
  expect(handler).not.toHaveBeenCalled();
});
