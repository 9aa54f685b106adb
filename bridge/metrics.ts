/** What the bridge counts: for `/metrics`, for the admin API, and to be alarmed by. */
import { Counter, Gauge, type Registry } from "prom-client";
import type { Backlog } from "./store/changes.ts";

/** Counted since the start of the process. */
export interface BridgeCounts {
  /** Events written to Matrix. */
  sent: number;
  /** Sends that were put off and are tried again. */
  retries: number;
  /** Answers 429 of the homeserver. */
  rateLimited: number;
  /** Events of the log that Matrix did not take in any form, and members that it did not invite, let in or remove. */
  givenUp: number;
  /** Requests of the homeserver that delivered events. */
  transactions: number;
  /** Events from Matrix that were new. */
  received: number;
  /** Events that were delivered again, our own echoes among them. */
  duplicates: number;
  /** Own events that came back before the answer to their request. */
  earlyEchoes: number;
  /** Events that the homeserver never delivered and the reconciler found. Should stay 0 unless a homeserver restarted. */
  recovered: number;
  /** Events in Matrix that the log lost when its database was restored, and that are in it again. */
  adopted: number;
  /** Events in Matrix, of before a restore, whose authors are no members or no users any more. */
  unadopted: number;
  /** Rooms that the homeserver did not know any more, and that were made anew. */
  roomsLost: number;
  /** What people did in Matrix and may not do: it was taken back there. */
  refused: number;
}

const HELP: Record<keyof BridgeCounts, string> = {
  sent: "Events written to Matrix",
  retries: "Turns of rooms that failed and are tried again",
  rateLimited: "Requests that the homeserver answered with 429",
  givenUp:
    "Events and memberships of the chat that Matrix refused in every form; the log names each with its reason",
  transactions: "Requests of the homeserver that delivered events",
  received: "Events from Matrix that were new",
  duplicates: "Events from Matrix that were known, echoes of our own among them",
  earlyEchoes: "Own events that came back before the answer to their request",
  recovered: "Events that the homeserver did not deliver and the reconciler found",
  adopted: "Events that only Matrix had after the database was restored, and that were looked at again",
  unadopted:
    "Events of before a restore that only Matrix has: their authors are no members, or no users, by the restored database",
  roomsLost: "Rooms that the homeserver did not know any more and that were made anew",
  refused: "Acts in Matrix that the chat refused and that were taken back",
};

export function newCounts(): BridgeCounts {
  return Object.fromEntries(Object.keys(HELP).map((name) => [name, 0])) as unknown as BridgeCounts;
}

/** Figures are read when somebody looks; `backlog` is what the last round found, so that looking asks no database. */
export function registerMetrics(
  registry: Registry,
  counts: BridgeCounts,
  state: { connected: () => boolean; backlog: () => Backlog; waiting: () => number },
): void {
  for (const [name, help] of Object.entries(HELP) as [keyof BridgeCounts, string][]) {
    new Counter({
      name: `causeway_bridge_${snakeCase(name)}_total`,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(counts[name]);
      },
    });
  }
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name: `causeway_bridge_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(value());
      },
    });
  gauge("connected", "1 while the homeserver answers", () => Number(state.connected()));
  gauge("waiting_rooms", "Rooms whose last turn failed and is tried again", state.waiting);
  gauge("outbox", "Events of the log that Matrix does not have yet", () => state.backlog().outbox);
  gauge("lag_seconds", "Age of the oldest of them", () => state.backlog().lagMs / 1_000);
  gauge("inbox", "Events from Matrix that wait to be applied", () => state.backlog().inbox);
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
