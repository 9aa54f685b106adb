import { bounded } from "../options.ts";
import { emptyOutcome, number, type Outcome, tallied } from "../report/outcome.ts";
import type { Stage } from "../stage.ts";
import { causewayTarget } from "../target/causeway-target.ts";
import { clientsOf, separateRooms } from "../target/target.ts";
import { checkDeliveries, faultsOf, measureSends, openClients, type SendResult } from "./measurement.ts";
import type { Scenario } from "./scenario.ts";
import { sendCharts, sendFigures, sendNotes, sendTables } from "./send-report.ts";

export interface SendOptions {
  rooms: number;
  members: number;
  rate: number;
  size: number;
}

const DESCRIPTION = `Rooms of members who send in turn at a rate that never waits for the server (an open loop).
Latency counts from the time at which a message was meant to go out. Every client checks the
seq of every event: one missing, doubled or out of order fails the run.`;

export const send: Scenario<SendOptions> = {
  name: "send",
  summary: "durable sends in many rooms at a steady rate",
  description: DESCRIPTION,
  options: [
    bounded("--rooms <n>", "rooms", { least: 1, most: 10_000, default: 50 }),
    bounded("--members <n>", "members of each room, all of them online", {
      least: 1,
      most: 10_000,
      default: 5,
    }),
    bounded("--rate <n>", "messages a second, all rooms together", {
      least: 1,
      most: 200_000,
      default: 5_000,
    }),
    bounded("--size <n>", "characters of a message's text", { least: 16, most: 16_000, default: 64 }),
  ],
  run: async (stage) => sendAndReport(stage, stage.options),
};

export const fanout: Scenario<SendOptions> = {
  name: "fanout",
  summary: "one room with many members",
  description: `One room whose members are all online and send in turn: the cost of a delivery.`,
  options: [
    bounded("--members <n>", "members of the room, all of them online", {
      least: 2,
      most: 20_000,
      default: 500,
    }),
    bounded("--rate <n>", "messages a second", { least: 1, most: 50_000, default: 100 }),
    bounded("--size <n>", "characters of a message's text", { least: 16, most: 16_000, default: 64 }),
  ],
  run: async (stage) => sendAndReport(stage, { ...stage.options, rooms: 1 }),
};

async function sendAndReport(stage: Stage, { rooms, members, rate, size }: SendOptions): Promise<Outcome> {
  const target = await stage.use(causewayTarget(stage.options));
  stage.describe(`${target.name} at ${target.url.host}, database: ${target.database}`);
  const plan = separateRooms(rooms, members);
  stage.progress.step(`making ${number(plan.people)} people and ${number(rooms)} rooms`, plan.people + rooms);
  const clients = clientsOf(plan, await target.populate(plan, (done) => stage.progress.at(done)));
  await openClients(stage, target, clients);
  const result = await measureSends(stage, target, { rate, size });
  const check = await checkDeliveries(stage);
  return {
    ...emptyOutcome(),
    tables: sendTables(result, check),
    charts: sendCharts(result),
    figures: sendFigures(result, check),
    faults: [...faultsOf(check), ...unexpectedRefusals(result)],
    limits: result.limits,
    notes: [
      `${number(rooms)} rooms × ${number(members)} members, texts of ${size} characters, ${stage.options.workers} workers, ${stage.options.warmup} s of warm-up before the measured window`,
      ...sendNotes(result),
    ],
  };
}

/** Being told to come back later is a fair answer to too much load; anything else is not. */
function unexpectedRefusals({ refused }: SendResult): string[] {
  const { busy: _busy, unavailable: _unavailable, rate_limited: _limited, ...others } = refused;
  return Object.keys(others).length === 0 ? [] : [`sends were refused: ${tallied(others)}`];
}
