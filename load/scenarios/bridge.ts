import { setTimeout as delay } from "node:timers/promises";
import { type AskingClient, openAskingClient } from "../asking-client.ts";
import { now } from "../clock.ts";
import { generatorLimits } from "../generator-verdict.ts";
import { createLatency, mergeLatencies, type Percentiles } from "../latency.ts";
import { createMatrixClient, type MatrixClient, type MatrixLogin } from "../matrix-client.ts";
import { bounded } from "../options.ts";
import { type OwnLoad, watchOwnLoad } from "../own-load.ts";
import { percentileChart, timeChart } from "../report/charts.ts";
import { emptyOutcome, milliseconds, number, type Outcome } from "../report/outcome.ts";
import { untilReady } from "../server-figures.ts";
import { freePort } from "../services/free-port.ts";
import type { Stage } from "../stage.ts";
import { stampedText, stampOf } from "../stamp.ts";
import { type CausewayTarget, causewayTarget } from "../target/causeway-target.ts";
import { request } from "../target/provisioning.ts";
import type { Scenario } from "./scenario.ts";

export interface BridgeOptions {
  rooms: number;
  rate: number;
  overload: number;
}

/** A start may install and start a homeserver. */
const START_LIMIT_MS = 600_000;
const ROOM_LIMIT_MS = 120_000;
const CATCH_UP_LIMIT_MS = 300_000;
const LAG_TICK_MS = 500;
const TICK_MS = 2;

export const bridge: Scenario<BridgeOptions> = {
  name: "bridge",
  summary: "native to Matrix and back, beside the homeserver's own rate",
  description: `One person writes over the WebSocket, another reads and writes as a Matrix client. First the homeserver alone: how
many messages a second it takes, and how long one takes to a client's sync. Then single messages in both directions, and
then more native messages than the homeserver can take: at which rate they arrive, how far Matrix lags, how long it takes
to catch up. Every message must arrive once and in the order of its room.`,
  options: [
    bounded("--rooms <n>", "rooms, written to in turn", { least: 1, most: 100, default: 10 }),
    bounded("--rate <n>", "single messages a second in each direction", { least: 1, most: 100, default: 5 }),
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
    const over = await overCapacity(stage, cast, own.rate * stage.options.overload);
    cast.native.close();
    cast.matrix.close();
    return outcomeOf(stage, { own, single, over, load: load.read(), hasGaps: cast.matrix.hasGaps });
  },
};

async function bridgedTarget({ options }: Stage): Promise<CausewayTarget> {
  const matrixPort = options.url === undefined ? await freePort() : 0;
  // Empty counts as unset: the server starts a homeserver of its own.
  const settings = { MATRIX_HOMESERVER_URL: "", MATRIX_PORT: String(matrixPort) };
  return causewayTarget(options, { settings, startLimitMs: START_LIMIT_MS });
}

/** Two people in rooms that both sides know. */
interface Cast {
  native: AskingClient;
  matrix: MatrixClient;
  rooms: { token: string; matrixId: string }[];
  /** Called with each text that comes to the Matrix client. */
  onMatrix: (roomId: string, body: string, at: number) => void;
}

async function meet(stage: Stage<Stage["options"] & BridgeOptions>, target: CausewayTarget): Promise<Cast> {
  const { rooms: count } = stage.options;
  stage.progress.step(`making ${count} bridged rooms`, count);
  const plan = { people: 2, rooms: Array.from({ length: count }, () => [0, 1]) };
  const { tokens, rooms, roomIds } = await target.populate(plan, () => undefined);
  const [writer = "", reader = ""] = tokens;
  const login = await request<MatrixLogin>(
    new URL("/api/v1/chat/user/login", target.url),
    "POST",
    { "personal-access-token": reader },
    { deviceID: "LOAD" },
  );
  const cast: Cast = {
    native: await openAskingClient(target.url, writer),
    matrix: createMatrixClient(login),
    rooms: [],
    onMatrix: () => undefined,
  };
  for (const [n, token] of rooms.entries()) {
    const matrixId = await target.matrixRoom(roomIds[n] as number, ROOM_LIMIT_MS);
    await cast.matrix.join(matrixId);
    cast.rooms.push({ token, matrixId });
    stage.progress.at(n + 1);
  }
  await cast.matrix.listen((roomId, body, at) => cast.onMatrix(roomId, body, at));
  return cast;
}

interface Alone {
  /** Messages a second that the homeserver takes from a client, one at a time in each of as many rooms. */
  rate: number;
  /** From sending to the client's sync. */
  latency: Percentiles;
}

async function homeserverAlone(stage: Stage<Stage["options"] & BridgeOptions>, cast: Cast): Promise<Alone> {
  const { duration, rate } = stage.options;
  const rooms: string[] = [];
  for (const n of cast.rooms.keys()) rooms.push(await cast.matrix.createRoom(`load ${n}`));
  const latency = await timed(cast, (body) => cast.matrix.send(rooms[0] as string, body), rate, duration);
  const bar = stage.progress.overTime("the homeserver alone", duration);
  const since = now();
  const deadline = since + duration * 1000;
  let sent = 0;
  const lane = async (roomId: string) => {
    for (; now() < deadline; sent++) await cast.matrix.send(roomId, stampedText("own", now()));
  };
  await Promise.all(rooms.map(lane));
  bar.end();
  return { rate: (sent * 1000) / (now() - since), latency };
}

/** Sends single messages at a steady rate and times each to the Matrix client. */
async function timed(
  cast: Cast,
  send: (body: string) => Promise<unknown>,
  rate: number,
  seconds: number,
): Promise<Percentiles> {
  const latency = createLatency();
  let open = 0;
  cast.onMatrix = (_, body, at) => {
    const sentAt = stampOf(body);
    if (Number.isNaN(sentAt)) return;
    open--;
    latency.recordMs(at - sentAt);
  };
  await steadily(rate, seconds, (at) => {
    open++;
    return send(stampedText("single", at));
  });
  await untilTrue(() => open <= 0, ROOM_LIMIT_MS);
  cast.onMatrix = () => undefined;
  return mergeLatencies([latency.encode()]);
}

interface Single {
  toMatrix: Percentiles;
  toNative: Percentiles;
}

async function singleMessages(stage: Stage<Stage["options"] & BridgeOptions>, cast: Cast): Promise<Single> {
  const { duration, rate } = stage.options;
  const [room] = cast.rooms as [Cast["rooms"][number]];
  const there = stage.progress.overTime("native → Matrix", duration);
  let id = 0;
  const speak = (text: string) => cast.native.ask("send", { room: room.token, id: `single-${id++}`, text });
  const toMatrix = await timed(cast, speak, rate, duration);
  there.end();

  const back = stage.progress.overTime("Matrix → native", duration);
  const latency = createLatency();
  let open = 0;
  cast.native.onEvent(({ data }) => {
    const sentAt = stampOf(data.text);
    if (Number.isNaN(sentAt)) return;
    open--;
    latency.recordMs(now() - sentAt);
  });
  await steadily(rate, duration, (at) => {
    open++;
    return cast.matrix.send(room.matrixId, stampedText("back", at));
  });
  await untilTrue(() => open <= 0, ROOM_LIMIT_MS);
  cast.native.onEvent(() => undefined);
  back.end();
  return { toMatrix, toNative: mergeLatencies([latency.encode()]) };
}

interface Over {
  asked: number;
  sent: number;
  arrived: number;
  /** Arrivals a second from the first send to the last arrival. */
  rate: number;
  /** Messages on their way when the last was sent. */
  lag: number;
  catchUpSeconds: number;
  faults: string[];
  series: [seconds: number, lag: number][];
}

async function overCapacity(
  stage: Stage<Stage["options"] & BridgeOptions>,
  cast: Cast,
  rate: number,
): Promise<Over> {
  const { duration } = stage.options;
  const bar = stage.progress.overTime(`over capacity: ${number(rate)}/s`, duration);
  const arrivals = watchArrivals(cast);
  const since = now();
  let sent = 0;
  const series: [number, number][] = [];
  const watch = setInterval(() => series.push([(now() - since) / 1000, sent - arrivals.count]), LAG_TICK_MS);
  await steadily(rate, duration, async () => {
    const n = sent++;
    const { token } = cast.rooms[n % cast.rooms.length] as Cast["rooms"][number];
    await cast.native.ask("send", { room: token, id: `over-${n}`, text: `over ${n}` });
  });
  const lag = sent - arrivals.count;
  const endOfSends = now();
  bar.end();
  stage.progress.step("catching up", sent);
  await untilTrue(() => {
    stage.progress.at(arrivals.count);
    return arrivals.count >= sent;
  }, CATCH_UP_LIMIT_MS);
  clearInterval(watch);
  return {
    asked: rate,
    sent,
    arrived: arrivals.count,
    rate: (arrivals.count * 1000) / (arrivals.lastAt - since),
    lag,
    catchUpSeconds: (arrivals.lastAt - endOfSends) / 1000,
    faults: arrivals.faults(sent),
    series,
  };
}

/** Counts what comes to the Matrix client, and holds it to the order of its room. */
function watchArrivals(cast: Cast) {
  const seen = new Set<number>();
  const last = new Map<string, number>();
  let doubled = 0;
  let disordered = 0;
  const arrivals = {
    count: 0,
    lastAt: now(),
    faults: (sent: number) => [
      ...(sent > seen.size ? [`${number(sent - seen.size)} missing in Matrix`] : []),
      ...(doubled > 0 ? [`${number(doubled)} doubled in Matrix`] : []),
      ...(disordered > 0 ? [`${number(disordered)} out of order in Matrix`] : []),
    ],
  };
  cast.onMatrix = (roomId, body, at) => {
    const n = Number(/^over (\d+)$/.exec(body)?.[1] ?? Number.NaN);
    if (Number.isNaN(n)) return;
    if (seen.has(n)) {
      doubled++;
      return;
    }
    if (n < (last.get(roomId) ?? -1)) disordered++;
    last.set(roomId, n);
    seen.add(n);
    arrivals.count++;
    arrivals.lastAt = at;
  };
  return arrivals;
}

/** Calls `send` at a steady rate with the time at which it was meant to; resolves when all calls have. */
async function steadily(
  rate: number,
  seconds: number,
  send: (at: number) => Promise<unknown>,
): Promise<void> {
  const since = now();
  const open: Promise<unknown>[] = [];
  for (let n = 0; n < rate * seconds; n++) {
    const at = since + (n * 1000) / rate;
    while (now() < at) await delay(TICK_MS);
    open.push(send(at));
  }
  await Promise.all(open);
}

async function untilTrue(check: () => boolean, limitMs: number): Promise<void> {
  for (const deadline = now() + limitMs; !check() && now() < deadline; ) await delay(TICK_MS);
}

interface BridgeResult {
  own: Alone;
  single: Single;
  over: Over;
  load: OwnLoad;
  hasGaps: boolean;
}

function outcomeOf(stage: Stage<Stage["options"] & BridgeOptions>, result: BridgeResult): Outcome {
  const { own, single, over, load, hasGaps } = result;
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
      }),
      timeChart("lag", "Messages on their way to Matrix", [{ name: "lag", points: over.series }], "messages"),
    ],
    figures: { own, single, over, addedP50: added },
    faults: [
      ...over.faults,
      ...(hasGaps ? ["a sync of the Matrix client left messages out: counts mean nothing"] : []),
    ],
    limits: generatorLimits({ loads: [load] }),
    notes: [
      `${number(stage.options.rooms)} rooms; the homeserver shares the machine with everything else`,
      "the homeserver's own rate: one client, one message at a time in each of as many rooms",
    ],
  };
}
