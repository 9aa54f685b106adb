/** SignalingQueues. */
import { setTimeout } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { HotState } from "../../src/domain/ports/hot.ts";
import { freshId } from "./fresh-id.ts";

const LIMITS = { most: 3, ttlMs: 60_000 };

export function signalingQueueContract(hot: () => HotState): void {
  describe("signalingQueues", () => {
    test("give their messages once, in the order in which they were put", async () => {
      const [mine, others] = [`${freshId()}:u:1`, `${freshId()}:g:2`];
      const { signalingQueues } = hot();
      await signalingQueues.put(mine, ["one", 'tw"ö 🙂'], LIMITS);
      await signalingQueues.put(mine, ["three"], LIMITS);
      await signalingQueues.put(others, ["other"], LIMITS);
      expect(await signalingQueues.take(mine)).toEqual(["one", 'tw"ö 🙂', "three"]);
      expect(await signalingQueues.take(mine)).toEqual([]);
      expect(await signalingQueues.take(others)).toEqual(["other"]);
    });

    test("the oldest give way", async () => {
      const mine = `${freshId()}:u:1`;
      await hot().signalingQueues.put(mine, ["1", "2", "3", "4", "5"], LIMITS);
      expect(await hot().signalingQueues.take(mine)).toEqual(["3", "4", "5"]);
    });

    test("nothing put is nothing to take", async () => {
      const mine = `${freshId()}:u:1`;
      await hot().signalingQueues.put(mine, [], LIMITS);
      expect(await hot().signalingQueues.take(mine)).toEqual([]);
    });

    test("what nobody fetched is gone after its time", async () => {
      const mine = `${freshId()}:u:1`;
      await hot().signalingQueues.put(mine, ["1"], { most: 3, ttlMs: 1 });
      const other = `${freshId()}:u:1`;
      await hot().signalingQueues.put(other, ["2"], { most: 3, ttlMs: 60_000 });
      await setTimeout(5);
      expect(await hot().signalingQueues.take(mine)).toEqual([]);
      expect(await hot().signalingQueues.take(other)).toEqual(["2"]);
    });

    test("of many who take at once one gets each message", async () => {
      const mine = `${freshId()}:u:1`;
      await hot().signalingQueues.put(mine, ["1", "2", "3"], LIMITS);
      const taken = await Promise.all(Array.from({ length: 10 }, () => hot().signalingQueues.take(mine)));
      expect(taken.flat()).toEqual(["1", "2", "3"]);
    });
  });
}
