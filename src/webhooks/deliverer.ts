/**
 * Delivers waiting deliveries. It claims delivery queues from the store and works through each in order, so that a room's
 * events arrive in order; a delivery is repeated until the receiver takes it. A process holds a queue by a lease: when
 * the process ends, its queues are free again within {@link LEASE_MS}.
 */

import { backoffMs } from "../domain/backoff.ts";
import type { Store } from "../domain/ports/store/store.ts";
import type { DeliveryQueue } from "../domain/ports/store/webhooks.ts";
import type { Logger } from "../logger.ts";
import type { Send } from "./http-sender.ts";
import type { Payloads } from "./payloads.ts";

export interface DelivererOptions {
  store: Pick<Store, "webhooks">;
  payloads: Pick<Payloads, "bodyOf">;
  send: Send;
  logger: Pick<Logger, "info" | "warn">;
  /** Counts attempts by outcome, for metrics. */
  counted: (outcome: "delivered" | "failed") => void;
}

export interface Deliverer {
  /** Claims due queues, up to {@link MAX_QUEUES}. */
  fill(): Promise<void>;
  /** Waits for the deliveries under way. */
  stop(): Promise<void>;
}

/** Longer than a receiver may take, shorter than a retry may wait. */
export const LEASE_MS = 25_000;
/** A queue is released after so long, because other queues wait, and before its lease ends. */
const MAX_WORK_MS = 12_000;
/** Deliveries that are read at once. */
const PAGE = 20;
/** Queues that a process works on at once. */
const MAX_QUEUES = 32;
/** Queues of one webhook among them, so that a receiver that hangs does not take all. */
const MAX_QUEUES_PER_WEBHOOK = 8;
/** The pauses grow to about half a minute. */
const RETRIES = { firstMs: 1_000, maxMs: 28_000, jitter: 0.25 };

export function createDeliverer({ store, payloads, send, logger, counted }: DelivererOptions): Deliverer {
  const { webhooks } = store;
  const working = new Map<DeliveryQueue, Promise<void>>();
  let stopping = false;

  async function work(queue: DeliveryQueue): Promise<void> {
    const end = performance.now() + MAX_WORK_MS;
    for (;;) {
      const waiting = await webhooks.waiting(queue, PAGE);
      for (const delivery of waiting) {
        if (stopping || performance.now() > end) return await webhooks.release(queue, null);
        const body = await payloads.bodyOf(delivery);
        if (body === null) {
          if (!(await webhooks.delivered(queue, delivery.id))) return;
          continue;
        }
        const outcome = await send({ url: queue.url, secret: queue.secret, body });
        counted(outcome.delivered ? "delivered" : "failed");
        if (!outcome.delivered) return await failed(queue, outcome.reason);
        if (queue.attempts > 0)
          logger.info(
            { event: "webhook.recovered", webhook: queue.webhookId },
            "a webhook takes deliveries again",
          );
        queue.attempts = 0;
        if (!(await webhooks.delivered(queue, delivery.id))) return;
      }
      if (waiting.length < PAGE) return await webhooks.release(queue, null);
    }
  }

  async function failed(queue: DeliveryQueue, reason: string): Promise<void> {
    const afterMs = backoffMs(RETRIES, queue.attempts);
    if (queue.attempts === 0) {
      logger.warn(
        { event: "webhook.failing", webhook: queue.webhookId, reason, retry_ms: afterMs },
        "a webhook took no delivery; it is kept and sent again",
      );
    }
    await webhooks.release(queue, afterMs);
  }

  async function start(queue: DeliveryQueue): Promise<void> {
    try {
      await work(queue);
    } catch (error) {
      // The store is away. The lease ends, and some process goes on.
      logger.warn(
        { event: "webhook.interrupted", err: error, webhook: queue.webhookId },
        "could not go on with a webhook's deliveries; they follow when the lease ends",
      );
    } finally {
      working.delete(queue);
    }
  }

  function busyWebhooks(): number[] {
    const queues = new Map<number, number>();
    for (const { webhookId } of working.keys()) queues.set(webhookId, (queues.get(webhookId) ?? 0) + 1);
    return [...queues].filter(([, count]) => count >= MAX_QUEUES_PER_WEBHOOK).map(([id]) => id);
  }

  return {
    async fill() {
      while (!stopping && working.size < MAX_QUEUES) {
        const free = Math.min(MAX_QUEUES - working.size, MAX_QUEUES_PER_WEBHOOK);
        const queues = await webhooks.claim(free, LEASE_MS, busyWebhooks());
        for (const queue of queues) working.set(queue, start(queue));
        if (queues.length < free) return;
      }
    },
    async stop() {
      stopping = true;
      await Promise.all(working.values());
    },
  };
}
