/** Native messages to Matrix while people read and type on both sides, so that receipts and typing go both ways beside them. */
import { setTimeout as delay } from "node:timers/promises";
import type { Percentiles } from "../../measuring/latency.ts";
import type { Stage } from "../../stage.ts";
import { type Cast, timedToMatrix } from "./measures.ts";

export interface Live {
  toMatrix: Percentiles;
  /** Read markers that the second person moved in the chat, and receipts that they sent in Matrix. */
  markers: number;
  receipts: number;
}

/** People read and type so often. */
const ATTEND_MS = 250;

export async function liveMessages(
  stage: Stage<Stage["options"] & { liveRate: number }>,
  cast: Cast,
): Promise<Live> {
  const { duration, liveRate } = stage.options;
  const [{ token: room, matrixId }] = cast.rooms as [Cast["rooms"][number]];
  const bar = stage.progress.overTime("native → Matrix, with receipts and typing", duration);
  const live = { isOn: true, markers: 0, receipts: 0 };
  let newest = 0;
  const inChat = async () => {
    for (let on = true; live.isOn; on = !on, await delay(ATTEND_MS)) {
      await cast.native.ask("typing", { room, on });
      if (newest === 0) continue;
      await cast.reader.ask("read", { room, seq: newest });
      live.markers++;
    }
  };
  const inMatrix = async () => {
    for (; live.isOn; await delay(ATTEND_MS)) if (await cast.matrix.attend(matrixId)) live.receipts++;
  };
  const attending = Promise.all([inChat(), inMatrix()]);
  const toMatrix = await timedToMatrix(cast, room, liveRate, duration, (seq) => {
    newest = Math.max(newest, seq);
  });
  live.isOn = false;
  await attending;
  bar.end();
  return { toMatrix, markers: live.markers, receipts: live.receipts };
}
