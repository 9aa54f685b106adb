import { openAskingClient } from "../asking-client.ts";
import { createMatrixClient, type MatrixClient, type MatrixLogin } from "../matrix-client.ts";
import { generatorLimits } from "../measuring/generator-verdict.ts";
import type { Percentiles } from "../measuring/latency.ts";
import { type OwnLoad, watchOwnLoad } from "../measuring/own-load.ts";
import { untilReady } from "../measuring/server-figures.ts";
import { bounded } from "../options.ts";
import { percentileChart, timeChart } from "../report/charts.ts";
import { emptyOutcome, milliseconds, number, type Outcome } from "../report/outcome.ts";
import { freePort } from "../services/free-port.ts";
import type { Stage } from "../stage.ts";
import { type CausewayTarget, causewayTarget } from "../target/causeway-target.ts";
import { request } from "../target/provisioning.ts";
import { type Live, liveMessages } from "./bridge/live.ts";
import {
  type Alone,
  type Cast,
  homeserverAlone,
  type Over,
  overCapacity,
  type Single,
  singleMessages,
} from "./bridge/measures.ts";
import type { Scenario } from "./scenario.ts";

export interface BridgeOptions {
  rooms: number;
  rate: number;
  liveRate: number;
  overload: number;
}

/** A start may install and start a homeserver. */
const START_LIMIT_MS = 600_000;
const ROOM_LIMIT_MS = 120_000;

export const bridge: Scenario<BridgeOptions> = {
  name: "bridge",
  summary: "native to Matrix and back, beside the homeserver's own rate",
  description: `One person writes over the WebSocket, another reads and writes as a Matrix client. First the homeserver alone, with both
in Matrix clients and the same rooms: how many messages a second it takes, and how long one takes to the other's sync.
Then single messages in both directions, then native ones while people read and type on both sides, and then more native messages than the homeserver can take: at which rate they
arrive, how far Matrix lags, how long it takes to catch up. Every message must arrive once and in the order of its room.`,
  options: [
    bounded("--rooms <n>", "rooms, written to in turn", { least: 1, most: 100, default: 10 }),
    bounded("--rate <n>", "single messages a second in each direction", { least: 1, most: 100, default: 5 }),
    bounded("--live-rate <n>", "native messages a second while people read and type on both sides", {
      least: 1,
      most: 100,
      default: 20,
    }),
    bounded("--overload <n>", "times the homeserver's own rate that is written natively", {
      least: 1,
      most: 10,
      default: 2,
    }),
  ],
  run: async (stage) => {
    const target = await stage.use(bridgedTarget(stage));
    stage.describe(`${target.name} at ${target.url.host} with its bridge, database: ${target.database}`);
    stage.progress.step("waiting for the bridge", 1);
    await untilReady(target.url, START_LIMIT_MS);
    const cast = await meet(stage, target);
    const load = watchOwnLoad();
    const own = await homeserverAlone(stage, cast);
    const single = await singleMessages(stage, cast);
    const live = await liveMessages(stage, cast);
    const over = await overCapacity(stage, cast, own.rate * stage.options.overload);
    cast.native.close();
    cast.reader.close();
    cast.writer.close();
    cast.matrix.close();
    return outcomeOf(stage, { own, single, live, over, load: load.read(), hasGaps: cast.matrix.hasGaps });
  },
};

async function bridgedTarget({ options }: Stage): Promise<CausewayTarget> {
  const matrixPort = options.url === undefined ? await freePort() : 0;
  // Empty counts as unset: the server starts a homeserver of its own.
  const settings = { MATRIX_HOMESERVER_URL: "", MATRIX_PORT: String(matrixPort) };
  return causewayTarget(options, { settings, startLimitMs: START_LIMIT_MS });
}

async function meet(stage: Stage<Stage["options"] & BridgeOptions>, target: CausewayTarget): Promise<Cast> {
  const { rooms: count } = stage.options;
  stage.progress.step(`making ${count} bridged rooms`, count);
  const plan = { people: 2, rooms: Array.from({ length: count }, () => [0, 1]) };
  const { tokens, rooms, roomIds } = await target.populate(plan, () => undefined);
  const [writer = "", reader = ""] = tokens;
  const cast: Cast = {
    native: await openAskingClient(target.url, writer),
    reader: await openAskingClient(target.url, reader),
    writer: await matrixClient(target, writer),
    matrix: await matrixClient(target, reader),
    rooms: [],
    onMatrix: () => undefined,
  };
  for (const [n, token] of rooms.entries()) {
    const matrixId = await target.matrixRoom(roomIds[n] as number, ROOM_LIMIT_MS);
    await Promise.all([cast.writer, cast.matrix].map((client) => client.join(matrixId, ROOM_LIMIT_MS)));
    cast.rooms.push({ token, matrixId });
    stage.progress.at(n + 1);
  }
  await cast.matrix.listen((matrixRoomId, body, at) => cast.onMatrix(matrixRoomId, body, at));
  return cast;
}

async function matrixClient(target: CausewayTarget, token: string): Promise<MatrixClient> {
  const url = new URL("/api/v1/chat/user/login", target.url);
  const login = await request<MatrixLogin>(
    url,
    "POST",
    { "personal-access-token": token },
    { deviceID: "LOAD" },
  );
  return createMatrixClient(login);
}

interface BridgeResult {
  own: Alone;
  single: Single;
  live: Live;
  over: Over;
  load: OwnLoad;
  hasGaps: boolean;
}

function outcomeOf(stage: Stage<Stage["options"] & BridgeOptions>, result: BridgeResult): Outcome {
  const { own, single, live, over, load, hasGaps } = result;
  const added = single.toMatrix.p50 - own.latency.p50;
  const row = (name: string, { count, p50, p90, p99 }: Percentiles) => [
    name,
    number(count),
    ...[p50, p90, p99].map(milliseconds),
  ];
  return {
    ...emptyOutcome(),
    tables: [
      {
        title: "Single messages",
        columns: ["way", "count", "p50", "p90", "p99"],
        rows: [
          row("Matrix client → homeserver → Matrix client", own.latency),
          row("native → Matrix client", single.toMatrix),
          row("Matrix client → native", single.toNative),
          row(
            `native → Matrix client, ${number(stage.options.liveRate)}/s with receipts and typing`,
            live.toMatrix,
          ),
          ["added by the bridge on the way to Matrix", "", milliseconds(added), "", ""],
        ],
      },
      {
        title: "Over capacity",
        columns: ["measure", "value"],
        rows: [
          ["the homeserver's own rate", `${number(own.rate)}/s`],
          ["written natively", `${number(over.asked)}/s, ${number(over.sent)} in all`],
          ["arrived in Matrix", `${number(over.rate)}/s, ${number(over.arrived)} in all`],
          ["of the homeserver's own rate", `${number(over.rate / own.rate)} ×`],
          ["on their way when the last was written", number(over.lag)],
          ["caught up after", `${number(over.catchUpSeconds)} s`],
        ],
      },
    ],
    charts: [
      percentileChart("latency", "Single messages", {
        "homeserver alone": own.latency,
        "native → Matrix": single.toMatrix,
        "Matrix → native": single.toNative,
        "native → Matrix, receipts and typing": live.toMatrix,
      }),
      timeChart("lag", "Messages on their way to Matrix", [{ name: "lag", points: over.series }], "messages"),
    ],
    figures: { own, single, live, over, addedP50: added },
    faults: [
      ...over.faults,
      ...(hasGaps ? ["a sync of the Matrix client left messages out: counts mean nothing"] : []),
    ],
    limits: generatorLimits({ loads: [load] }),
    notes: [
      `${number(stage.options.rooms)} rooms; the homeserver shares the machine with everything else`,
      `with receipts and typing: ${number(live.markers)} markers moved in the chat, ${number(live.receipts)} receipts sent in Matrix, each with a change of who types`,
      "the homeserver's own rate: the same person writes in the same rooms from a Matrix client, one message at a time in each",
    ],
  };
}
