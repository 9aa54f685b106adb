/** The measures of the scenario `bridge`: the homeserver alone, single messages both ways, and too many of them. */
import { setTimeout as delay } from "node:timers/promises";
import type { AskingClient } from "../../asking-client.ts";
import type { MatrixClient } from "../../matrix-client.ts";
import { now } from "../../measuring/clock.ts";
import { createLatency, mergeLatencies, type Percentiles } from "../../measuring/latency.ts";
import { stampedText, stampOf } from "../../measuring/stamp.ts";
import { number } from "../../report/outcome.ts";
import type { Stage } from "../../stage.ts";

/** Two people in rooms that both sides know. */
export interface Cast {
  native: AskingClient;
  /** The other one in the chat, who reads there. */
  reader: AskingClient;
  /** The same person in a Matrix client. */
  writer: MatrixClient;
  /** The other one, who reads. */
  matrix: MatrixClient;
  rooms: { token: string; matrixId: string }[];
  /** Called with each text that comes to the Matrix client. */
  onMatrix: (matrixRoomId: string, body: string, at: number) => void;
}

const ARRIVAL_LIMIT_MS = 120_000;
const CATCH_UP_LIMIT_MS = 300_000;
const LAG_TICK_MS = 500;
const TICK_MS = 2;

export interface Alone {
  /** Messages a second that the homeserver takes from the writer's client, one at a time in each of the rooms. */
  rate: number;
  /** From sending to the reader's sync. */
  latency: Percentiles;
}

export async function homeserverAlone(
  stage: Stage<Stage["options"] & { rate: number }>,
  cast: Cast,
): Promise<Alone> {
  const { duration, rate: single } = stage.options;
  const rooms = cast.rooms.map(({ matrixId }) => matrixId);
  const latency = await timed(cast, (body) => cast.writer.send(rooms[0] as string, body), single, duration);
  const bar = stage.progress.overTime("the homeserver alone", duration);
  let arrived = 0;
  cast.onMatrix = () => arrived++;
  const since = now();
  const deadline = since + duration * 1000;
  let sent = 0;
  const lane = async (matrixRoomId: string) => {
    for (; now() < deadline; sent++) await cast.writer.send(matrixRoomId, stampedText("own", now()));
  };
  await Promise.all(rooms.map(lane));
  bar.end();
  const rate = (sent * 1000) / (now() - since);
  await untilTrue(() => arrived >= sent, ARRIVAL_LIMIT_MS);
  cast.onMatrix = () => undefined;
  return { rate, latency };
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
  await untilTrue(() => open <= 0, ARRIVAL_LIMIT_MS);
  cast.onMatrix = () => undefined;
  return mergeLatencies([latency.encode()]);
}

let spoken = 0;

/** Says single messages in a chatroom at a steady rate and times each to the Matrix client. */
export async function timedToMatrix(
  cast: Cast,
  room: string,
  rate: number,
  seconds: number,
  onSaid: (seq: number) => void = () => undefined,
): Promise<Percentiles> {
  const speak = async (text: string) => {
    const { seq } = await cast.native.ask("send", { room, id: `single-${spoken++}`, text });
    onSaid(seq);
  };
  return await timed(cast, speak, rate, seconds);
}

export interface Single {
  toMatrix: Percentiles;
  toNative: Percentiles;
}

export async function singleMessages(
  stage: Stage<Stage["options"] & { rate: number }>,
  cast: Cast,
): Promise<Single> {
  const { duration, rate } = stage.options;
  const [room] = cast.rooms as [Cast["rooms"][number]];
  const there = stage.progress.overTime("native → Matrix", duration);
  const toMatrix = await timedToMatrix(cast, room.token, rate, duration);
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
  await untilTrue(() => open <= 0, ARRIVAL_LIMIT_MS);
  cast.native.onEvent(() => undefined);
  back.end();
  return { toMatrix, toNative: mergeLatencies([latency.encode()]) };
}

export interface Over {
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

export async function overCapacity(
  stage: Stage<Stage["options"] & { rate: number }>,
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
  cast.onMatrix = (matrixRoomId, body, at) => {
    const n = Number(/^over (\d+)$/.exec(body)?.[1] ?? Number.NaN);
    if (Number.isNaN(n)) return;
    if (seen.has(n)) {
      doubled++;
      return;
    }
    if (n < (last.get(matrixRoomId) ?? -1)) disordered++;
    last.set(matrixRoomId, n);
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
