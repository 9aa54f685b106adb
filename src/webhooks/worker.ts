/**
 * Webhooks send organizations the news of their people. Reading order: this file; collector.ts and webhook-events.ts (which
 * news); payloads.ts, deliverer.ts and http-sender.ts (how they are sent); targets.ts (allowed receivers). Every process
 * runs a worker, and the workers share the work through the store.
 */

import { Counter, Gauge, type Registry } from "prom-client";
import { DomainError } from "../domain/errors.ts";
import type { Store } from "../domain/ports/store/store.ts";
import type { WebhookShape } from "../domain/ports/webhooks.ts";
import type { Logger } from "../logger.ts";
import { createCollector } from "./collector.ts";
import { createDeliverer } from "./deliverer.ts";
import { createHttpSender } from "./http-sender.ts";
import { createPayloads } from "./payloads.ts";
import type { Targets } from "./targets.ts";

export interface WebhooksOptions {
  store: Pick<Store, "webhooks" | "messages" | "users">;
  /** Tells of every commit of this process. */
  commits: Pick<Store, "onCommitted">;
  /** Makes the objects of payloads. */
  shape: WebhookShape;
  targets: Targets;
  logger: Pick<Logger, "info" | "warn" | "error">;
  registry?: Registry;
}

export interface WebhookWorker {
  /** Waits for the deliveries under way; the others stay in the store. */
  stop(): Promise<void>;
}

/** The pause between passes while there are webhooks. */
const PASS_MS = 500;
/** The pause between passes while there are none. */
const IDLE_PASS_MS = 2_000;
/** All rooms are scanned this often, for events that another process did not read before it ended. */
const SCAN_MS = 30_000;
const SCAN_ROOMS = 1_000;
/** Rooms that are read at once. */
const READERS = 4;
const POST_TIMEOUT_MS = 10_000;

export function startWebhooks({
  store,
  commits,
  shape,
  targets,
  logger,
  registry,
}: WebhooksOptions): WebhookWorker {
  const deliveries = deliveryCounter(registry);
  if (registry) registerBacklog(registry, store.webhooks);
  const sender = createHttpSender({ targets, timeoutMs: POST_TIMEOUT_MS });
  const payloads = createPayloads({ store, shape, logger });
  const collector = createCollector({ store, payloads });
  const deliverer = createDeliverer({
    ...{ store, payloads, logger, send: sender.send },
    counted: (outcome) => deliveries.inc({ outcome }),
  });

  /** Rooms with events that were not read yet. */
  const rooms = new Set<number>();
  let active = false;
  let scannedAt = Number.NEGATIVE_INFINITY;
  let running: Promise<void> | null = null;
  let again = false;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  async function readRooms(): Promise<void> {
    for (const id of rooms) {
      if (stopped) return;
      rooms.delete(id);
      try {
        if (await collector.readRoom(id)) rooms.add(id);
      } catch (error) {
        rooms.add(id);
        throw error;
      }
    }
  }

  async function scan(): Promise<void> {
    if (performance.now() - scannedAt < SCAN_MS) return;
    const found = await store.webhooks.behind(SCAN_ROOMS);
    for (const id of found) rooms.add(id);
    // If there are more, the next pass scans again.
    if (found.length < SCAN_ROOMS) scannedAt = performance.now();
  }

  async function pass(): Promise<void> {
    active = await store.webhooks.any();
    if (!active) {
      scannedAt = Number.NEGATIVE_INFINITY;
      return rooms.clear();
    }
    await scan();
    // All readers end before the next step begins, also when one fails.
    const read = await Promise.allSettled(Array.from({ length: READERS }, readRooms));
    const failed = read.find((outcome) => outcome.status === "rejected");
    if (failed) throw failed.reason;
    while (!stopped && (await collector.readNotes()));
    await deliverer.fill();
  }

  async function passes(): Promise<void> {
    clearTimeout(timer);
    do {
      again = false;
      try {
        await pass();
      } catch (error) {
        logFailure(logger, error);
        break;
      }
    } while (again && !stopped);
    running = null;
    if (!stopped) timer = setTimeout(go, active ? PASS_MS : IDLE_PASS_MS).unref();
  }

  function go(): void {
    if (running !== null) again = true;
    else running = passes();
  }

  commits.onCommitted((events) => {
    if (!active || stopped) return;
    for (const { roomId } of events) rooms.add(roomId);
    go();
  });
  go();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
      await deliverer.stop();
      sender.close();
    },
  };
}

/** An outage is logged by the part that is away. */
function logFailure(logger: Pick<Logger, "error">, error: unknown): void {
  if (error instanceof DomainError && error.retry) return;
  logger.error(
    { event: "webhook.pass_failed", err: error },
    "could not collect or deliver events for webhooks; retrying",
  );
}

function deliveryCounter(registry: Registry | undefined): Counter<"outcome"> {
  return new Counter({
    name: "causeway_webhook_deliveries_total",
    help: "Attempts to deliver to a webhook, by outcome",
    labelNames: ["outcome"],
    registers: registry ? [registry] : [],
  });
}

/** One query fills both gauges when the metrics are read. While the store is away they keep their last values. */
function registerBacklog(registry: Registry, webhooks: Pick<Store["webhooks"], "backlog">): void {
  const oldest = new Gauge({
    name: "causeway_webhook_oldest_seconds",
    help: "Age of the oldest delivery that waits",
    registers: [registry],
  });
  new Gauge({
    name: "causeway_webhook_backlog",
    help: "Deliveries to webhooks that wait, counted up to 10,000",
    registers: [registry],
    async collect() {
      const backlog = await webhooks.backlog().catch(() => null);
      if (!backlog) return;
      this.set(backlog.waiting);
      oldest.set(backlog.oldestMs / 1_000);
    },
  });
}
