/**
 * Delivers what waits: lanes are claimed from the store and worked through one delivery after the other, so that a room's
 * events come in order, each again and again until the receiver takes it. Whoever works on a lane holds it by lease: the
 * lanes of a process that is gone are free again within {@link LEASE_MS}.
 */

import { backoffMs } from "../domain/backoff.ts";
import type { Store } from "../domain/ports/store/store.ts";
import type { Lane } from "../domain/ports/store/webhooks.ts";
import type { Logger } from "../logger.ts";
import type { Payloads } from "./payloads.ts";
import type { Poster } from "./post.ts";

export interface DelivererOptions {
  store: Pick<Store, "webhooks">;
  payloads: Pick<Payloads, "bodyOf">;
  post: Poster;
  logger: Pick<Logger, "info" | "warn">;
  /** Counts attempts by outcome, for metrics. */
  counted: (outcome: "delivered" | "failed") => void;
}

export interface Deliverer {
  /** Takes lanes that are due, as many as there is room for. */
  fill(): Promise<void>;
  /** Ends after the deliveries that are under way. */
  stop(): Promise<void>;
}

/** Longer than a receiver may take, shorter than a retry may wait. */
export const LEASE_MS = 25_000;
/** A lane is given back after so long: others wait, and the lease must not run out. */
const TURN_MS = 12_000;
const STEP = 20;
const MAX_LANES = 32;
/** A receiver that hangs must not take all the places. */
const MAX_LANES_EACH = 8;
/** Up to about half a minute. */
const RETRIES = { firstMs: 1_000, maxMs: 28_000, jitter: 0.25 };

export function createDeliverer({ store, payloads, post, logger, counted }: DelivererOptions): Deliverer {
  const { webhooks } = store;
  const working = new Map<Lane, Promise<void>>();
  let stopping = false;

  async function work(lane: Lane): Promise<void> {
    const end = performance.now() + TURN_MS;
    for (;;) {
      const waiting = await webhooks.waiting(lane, STEP);
      for (const delivery of waiting) {
        if (stopping || performance.now() > end) return await webhooks.release(lane, null);
        const body = await payloads.bodyOf(delivery);
        if (body === null) {
          if (!(await webhooks.delivered(lane, delivery.id))) return;
          continue;
        }
        const outcome = await post({ url: lane.url, secret: lane.secret, body });
        counted(outcome.delivered ? "delivered" : "failed");
        if (!outcome.delivered) return await failed(lane, outcome.reason);
        if (lane.attempts > 0)
          logger.info(
            { event: "webhook.recovered", webhook: lane.webhookId },
            "a webhook takes deliveries again",
          );
        lane.attempts = 0;
        if (!(await webhooks.delivered(lane, delivery.id))) return;
      }
      if (waiting.length < STEP) return await webhooks.release(lane, null);
    }
  }

  async function failed(lane: Lane, reason: string): Promise<void> {
    const afterMs = backoffMs(RETRIES, lane.attempts);
    if (lane.attempts === 0) {
      logger.warn(
        { event: "webhook.failing", webhook: lane.webhookId, reason, retryInMs: afterMs },
        "a webhook took no delivery; it is kept and sent again",
      );
    }
    await webhooks.release(lane, afterMs);
  }

  async function start(lane: Lane): Promise<void> {
    try {
      await work(lane);
    } catch (error) {
      // The store is away: the lease runs out, and somebody goes on.
      logger.warn(
        { event: "webhook.interrupted", err: error, webhook: lane.webhookId },
        "could not go on with a webhook's deliveries; they follow when the lease ends",
      );
    } finally {
      working.delete(lane);
    }
  }

  function busyWebhooks(): number[] {
    const lanes = new Map<number, number>();
    for (const { webhookId } of working.keys()) lanes.set(webhookId, (lanes.get(webhookId) ?? 0) + 1);
    return [...lanes].filter(([, count]) => count >= MAX_LANES_EACH).map(([id]) => id);
  }

  return {
    async fill() {
      while (!stopping && working.size < MAX_LANES) {
        const room = Math.min(MAX_LANES - working.size, MAX_LANES_EACH);
        const lanes = await webhooks.claim(room, LEASE_MS, busyWebhooks());
        for (const lane of lanes) working.set(lane, start(lane));
        if (lanes.length < room) return;
      }
    },
    async stop() {
      stopping = true;
      await Promise.all(working.values());
    },
  };
}
