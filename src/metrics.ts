/** What `/metrics` shows of the process and its store; the other parts register their own in the same registry. */
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { Bus } from "./domain/ports/bus.ts";
import type { Store } from "./domain/ports/store.ts";

export function createRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}

type Figure = [name: string, help: string, kind: "gauge" | "counter", value: () => number];

/** Reads the figures when somebody looks: nothing is counted twice. */
export function registerState(registry: Registry, store: Pick<Store, "stats" | "health">, bus: Bus): void {
  const figures: Figure[] = [
    [
      "store_writable",
      "1 while the database can be written",
      "gauge",
      () => Number(store.health.condition.state === "ok"),
    ],
    ["store_queued", "Sends that wait for the database", "gauge", () => store.stats().queued],
    ["store_batches_in_flight", "Commits under way", "gauge", () => store.stats().inFlightBatches],
    ["store_last_batch_size", "Sends in the last commit", "gauge", () => store.stats().lastBatchSize],
    ["store_batches_total", "Commits of sends", "counter", () => store.stats().batches],
    ["store_appended_total", "Messages appended", "counter", () => store.stats().appended],
    [
      "store_duplicates_total",
      "Sends answered with their first result",
      "counter",
      () => store.stats().duplicates,
    ],
    ["store_statements_total", "SQL statements sent", "counter", () => store.stats().statements],
    ["bus_published_total", "Messages given to the bus", "counter", () => bus.stats().published],
    ["bus_received_total", "Messages that came over the bus", "counter", () => bus.stats().received],
    ["bus_dropped_total", "Messages that the bus could not take", "counter", () => bus.stats().dropped],
    ["bus_connected", "1 while the bus is connected", "gauge", () => Number(bus.stats().connected)],
  ];
  for (const figure of figures) register(registry, figure);
}

function register(registry: Registry, [name, help, kind, value]: Figure): void {
  const common = { name: `causeway_${name}`, help, registers: [registry] };
  if (kind === "gauge") {
    new Gauge({
      ...common,
      collect() {
        this.set(value());
      },
    });
    return;
  }
  new Counter({
    ...common,
    collect() {
      this.reset();
      this.inc(value());
    },
  });
}
