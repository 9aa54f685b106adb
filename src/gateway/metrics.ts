/**
 * The gateway's figures. They are counted in plain numbers, because some change with every message, and read by
 * Prometheus when it looks.
 */
import { Counter, Gauge, Histogram, type Registry } from "prom-client";

export interface GatewayFigures {
  connections: number;
  sessions: number;
  /** Rooms that this gateway follows. */
  rooms: number;
  /** Commands under way. */
  queued: number;
  /** Sessions that are being sent what they missed. */
  catchingUp: number;
  followers: number;
}

export class GatewayMetrics {
  sends = 0;
  deliveries = 0;
  recovered = 0;
  notRecovered = 0;
  eventsFilled = 0;
  slowConsumers = 0;
  /** Commands by op and outcome: `ok` or the error's code. */
  readonly commands = new Map<string, Map<string, number>>();
  readonly ackSeconds: Histogram;
  readonly #registry: Registry;

  constructor(registry: Registry) {
    this.#registry = registry;
    this.ackSeconds = new Histogram({
      name: "causeway_ack_seconds",
      help: "From a send's arrival to its acknowledgement",
      buckets: [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers: [registry],
    });
    const counter = (name: string, help: string, value: () => number) =>
      new Counter({ name: `causeway_${name}_total`, help, registers: [registry], collect: counted(value) });
    counter("sends", "Messages acknowledged", () => this.sends);
    counter("deliveries", "Events handed to sessions", () => this.deliveries);
    counter("gap_events_filled", "Events that the bus lost and the store gave", () => this.eventsFilled);
    counter(
      "slow_consumers_closed",
      "Sessions closed because they read too slowly",
      () => this.slowConsumers,
    );
    this.#registerLabelled(registry);
  }

  /** Measures what is going on whenever Prometheus looks. */
  watch(figures: () => GatewayFigures): void {
    const gauge = (name: string, help: string, value: () => number) =>
      new Gauge({ name: `causeway_${name}`, help, registers: [this.#registry], collect: collected(value) });
    gauge("connections", "Open WebSocket connections", () => figures().connections);
    gauge("sessions", "Connections that have said hello", () => figures().sessions);
    gauge("rooms_followed", "Rooms with sessions on this gateway", () => figures().rooms);
    gauge("commands_under_way", "Commands that were not answered yet", () => figures().queued);
    gauge("sessions_catching_up", "Sessions that are sent what they missed", () => figures().catchingUp);
    gauge("followers", "Long polls of Talk and clients of Wire's /await", () => figures().followers);
  }

  count(op: string, outcome: string): void {
    const outcomes = this.commands.get(op) ?? new Map<string, number>();
    if (outcomes.size === 0) this.commands.set(op, outcomes);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }

  #registerLabelled(registry: Registry): void {
    const { commands } = this;
    new Counter({
      name: "causeway_commands_total",
      help: "Commands by op and outcome (ok, or the error's code)",
      labelNames: ["op", "outcome"],
      registers: [registry],
      collect() {
        this.reset();
        for (const [op, outcomes] of commands) {
          for (const [outcome, value] of outcomes) this.inc({ op, outcome }, value);
        }
      },
    });
    const resumes = (recovered: boolean) => (recovered ? this.recovered : this.notRecovered);
    new Counter({
      name: "causeway_resumes_total",
      help: "Rooms that sessions resumed, by whether every missing event was there",
      labelNames: ["recovered"],
      registers: [registry],
      collect() {
        this.reset();
        for (const recovered of [true, false]) this.inc({ recovered: String(recovered) }, resumes(recovered));
      },
    });
  }
}

function collected(value: () => number) {
  return function (this: Gauge) {
    this.set(value());
  };
}

function counted(value: () => number) {
  return function (this: Counter) {
    this.reset();
    this.inc(value());
  };
}
