/** The bridge's counters and gauges, for `/metrics` and the admin API. */
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
  /** Events and changes of rooms that Matrix refused for good. */
  givenUp: number;
  /** Requests of the homeserver that delivered events. */
  transactions: number;
  /** Events from Matrix that were new. */
  received: number;
  /** Events that the homeserver delivered again, echoes of the bridge's own events among them. */
  duplicates: number;
  /** Own events that came back before the answer to their request. */
  earlyEchoes: number;
  /** Events that the homeserver did not deliver and the reconciler fetched. Stays 0 unless a homeserver restarts. */
  recovered: number;
  /** Events that only Matrix had after a restore of the database, and that the bridge looked at again. */
  adopted: number;
  /** Events from before a restore that stay in Matrix only: their authors are no longer members or users. */
  unadopted: number;
  /** Matrix rooms that the homeserver had lost and the bridge made again. */
  roomsLost: number;
  /** Events from Matrix that could not be applied. */
  putAside: number;
  /** Events from Matrix whose target was not found: messages that lost a relation, and edits, reactions and redactions of nothing. */
  withoutTarget: number;
  /** Acts in Matrix that the domain refused and the bridge undid there. */
  refused: number;
  /** Read receipts of the chat's users that were written to Matrix. */
  receiptsSent: number;
  /** Receipts of Matrix that moved a marker of the chat. */
  receiptsApplied: number;
  /** Receipts, and news of who types, that were dropped because too many waited. */
  liveDropped: number;
}

const HELP: Record<keyof BridgeCounts, string> = {
  sent: "Events written to Matrix",
  retries: "Turns of rooms that failed and are tried again",
  rateLimited: "Requests that the homeserver answered with 429",
  givenUp: "Events and changes of rooms that Matrix refused for good; each is a dead letter with its reason",
  transactions: "Requests of the homeserver that delivered events",
  received: "Events from Matrix that were new",
  duplicates: "Events from Matrix that were known, echoes of our own among them",
  earlyEchoes: "Own events that came back before the answer to their request",
  recovered: "Events that the homeserver did not deliver and the reconciler found",
  adopted: "Events that only Matrix had after the database was restored, and that were looked at again",
  unadopted:
    "Events of before a restore that only Matrix has: their authors are no members, or no users, by the restored database",
  roomsLost: "Rooms that the homeserver did not know any more and that were made anew",
  putAside: "Events from Matrix that could not be applied; each is a dead letter with its reason",
  withoutTarget: "Events from Matrix that are about an event that was not found; the log names each",
  refused: "Acts in Matrix that the chat refused and that were taken back",
  receiptsSent: "Read receipts of the chat's users that were written to Matrix",
  receiptsApplied: "Receipts of Matrix that moved a read marker of the chat",
  liveDropped: "Receipts, and news of who types, that were dropped because too many waited",
};

export function newCounts(): BridgeCounts {
  return Object.fromEntries(Object.keys(HELP).map((name) => [name, 0])) as unknown as BridgeCounts;
}

/** Registers the metrics. `backlog` returns the result of the last scan, so that a scrape asks no database. */
export function registerMetrics(
  registry: Registry,
  counts: BridgeCounts,
  state: { connected: () => boolean; away: () => boolean; backlog: () => Backlog; waiting: () => number },
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
  gauge(
    "away",
    "1 while the homeserver does not answer, or something answers in its stead, for at least one room",
    () => Number(state.away()),
  );
  gauge("waiting_rooms", "Rooms whose last turn failed and is tried again", state.waiting);
  gauge("outbox", "Events of the log that Matrix does not have yet", () => state.backlog().outbox);
  gauge("lag_seconds", "Age of the oldest of them", () => state.backlog().lagMs / 1_000);
  gauge(
    "dead_letters",
    "What was put aside in either direction, with its reason",
    () => state.backlog().deadLetters,
  );
  gauge("inbox", "Events from Matrix that wait to be applied", () => state.backlog().inbox);
  gauge(
    "waiting_events",
    "Events from Matrix that wait for the event that they are about",
    () => state.backlog().waiting,
  );
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
