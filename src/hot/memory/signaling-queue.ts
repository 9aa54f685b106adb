import type { Mailboxes } from "../../domain/ports/hot.ts";

interface Mailbox {
  messages: string[];
  until: number;
}

export function createMemoryMailboxes(now: () => number): Mailboxes & { sweep(at: number): void } {
  const boxes = new Map<string, Mailbox>();
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
