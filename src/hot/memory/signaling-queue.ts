import type { SignalingQueues } from "../../domain/ports/hot.ts";

interface SignalingQueue {
  messages: string[];
  until: number;
}

export function createMemorySignalingQueues(
  now: () => number,
): SignalingQueues & { sweep(at: number): void } {
  const boxes = new Map<string, SignalingQueue>();
  return {
    async put(address, messages, { most, ttlMs }) {
      const kept = boxes.get(address);
      const before = kept && kept.until > now() ? kept.messages : [];
      boxes.set(address, { messages: [...before, ...messages].slice(-most), until: now() + ttlMs });
    },
    async take(address) {
      const kept = boxes.get(address);
      boxes.delete(address);
      return kept && kept.until > now() ? kept.messages : [];
    },
    sweep(at) {
      for (const [address, { until }] of boxes) if (until <= at) boxes.delete(address);
    },
  };
}
