/** What `/metrics` shows of the process and its store; the other parts register their own in the same registry. */
import { readFileSync } from "node:fs";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Bus } from "./domain/ports/bus.ts";
import type { Store } from "./domain/ports/store/store.ts";
import type { DatabaseWatch } from "./store/sql/database.ts";

export function createRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}

/** Seconds that the database and Redis take. One observation a statement, or a burst of commands: never one a delivery. */
export function registerWatches(registry: Registry): DatabaseWatch & { onRoundTrip(seconds: number): void } {
  const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
  const histogram = (name: string, help: string) =>
    new Histogram({ name: `causeway_${name}_seconds`, help, buckets, registers: [registry] });
  const statements = histogram("store_statement", "From sending a statement to its answer");
  const waits = histogram("store_wait", "Of work that had to wait for a connection to the database");
  const roundTrips = histogram("redis_round_trip", "From sending a burst of commands to the last answer");
  return {
    onAnswer: (seconds) => statements.observe(seconds),
    onWait: (seconds) => waits.observe(seconds),
    onRoundTrip: (seconds) => roundTrips.observe(seconds),
  };
}

/** Which program runs. The image holds the commit that it was built from. */
export function registerBuild(registry: Registry): void {
  const { version } = JSON.parse(textAt("package.json") ?? "{}") as { version?: string };
  const commit = textAt("commit")?.trim() || "unknown";
  new Gauge({
    name: "causeway_build_info",
    help: "1, with what runs in its labels",
    labelNames: ["version", "commit", "node"],
    registers: [registry],
  }).set({ version: version ?? "unknown", commit, node: process.versions.node }, 1);
}

/** A file beside dist/ or src/, wherever this runs from. */
function textAt(name: string): string | null {
  for (const folder of ["../", "../../"]) {
    try {
      return readFileSync(new URL(`${folder}${name}`, import.meta.url), "utf8");
    } catch {
      // It may be in the other one, or nowhere.
    }
  }
  return null;
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
    [
      "store_connections_in_use",
      "Connections to the database that work has",
      "gauge",
      () => store.stats().connectionsInUse,
    ],
    ["store_waiting", "Work that waits for a connection", "gauge", () => store.stats().waiting],
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
