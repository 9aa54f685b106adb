/** A worker process of the generator: holds connections and does what the coordinator orders. */
import { setTimeout as delay } from "node:timers/promises";
import { DIALECTS } from "../dialects/dialects.ts";
import { watchOwnLoad } from "../measuring/own-load.ts";
import type { FromWorker, OrderName, Orders, ToWorker } from "../orders.ts";
import { Fleet } from "./fleet.ts";
import { createSending, type Sending } from "./sending.ts";

type Handlers = {
  [Name in OrderName]: (
    order: Orders[Name]["order"],
  ) => Promise<Orders[Name]["answer"]> | Orders[Name]["answer"];
};

let fleet: Fleet | null = null;
let sending: Sending | null = null;

const handlers: Handlers = {
  open: async ({ dialect, endpoint, clients, inFlight }) => {
    fleet ??= new Fleet(DIALECTS[dialect], endpoint);
    const opened = await fleet.open(clients, inFlight);
    sending ??= createSending(fleet, DIALECTS[dialect], (sample) => say({ sample }));
    return opened;
  },
  senders: ({ rooms }) => theSending().senders(rooms),
  send: (order) => theSending().steadily(order),
  fill: (order) => theSending().fill(order),
  watch: async ({ durationMs }) => {
    const load = watchOwnLoad();
    await delay(durationMs);
    return load.read();
  },
  heads: () => {
    const heads = theFleet().heads();
    for (const [room, head] of Object.entries(theSending().ackedHeads())) {
      heads[room] = Math.max(heads[room] ?? 0, head);
    }
    return heads;
  },
  settle: async ({ heads, limitMs }) => ({
    ...(await theFleet().settle(heads, limitMs)),
    lost: theFleet().lost,
  }),
  cut: () => ({ cut: theFleet().cut() }),
  resume: (order) => theFleet().resume(order),
  close: () => {
    fleet?.close();
    fleet = null;
    sending = null;
    return null;
  },
};

function theFleet(): Fleet {
  if (fleet === null) throw new Error("no connections were opened");
  return fleet;
}

function theSending(): Sending {
  if (sending === null) throw new Error("no connections were opened");
  return sending;
}

function say(message: FromWorker): void {
  process.send?.(message);
}

async function carryOut({ id, name, order }: ToWorker): Promise<void> {
  try {
    const handle = handlers[name] as (order: unknown) => unknown;
    say({ id, answer: await handle(order) });
  } catch (error) {
    say({ id, error: error instanceof Error ? error.message : String(error) });
  }
}

process.on("message", (message: ToWorker) => void carryOut(message));
// The coordinator's end is ours; a terminal's Ctrl-C reaches us too, and the coordinator decides what follows.
process.once("disconnect", () => process.exit());
process.on("SIGINT", () => undefined);
