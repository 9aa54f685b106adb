/** A Redis twin for tests, with what it logged. */
import type { Clock } from "../../src/domain/ports/clock.ts";
import { connectRedisHot, type RedisHot } from "../../src/hot/redis/redis.ts";
import { type MovedHistory, movedHistory } from "./moved-history.ts";

export interface TestedHot extends RedisHot {
  /** `warn: redis.away` */
  logged: string[];
  /** The errors that were logged. */
  reasons: string[];
  history: MovedHistory;
  close(): Promise<void>;
}

export const CLOCK = { now: Date.now };
/** Names the keys, unless told otherwise. */
export const EPOCH = "tested";

export async function openRedisHot(
  url: string,
  startMs = 5_000,
  epoch = EPOCH,
  clock: Clock = CLOCK,
): Promise<TestedHot> {
  const logged: string[] = [];
  const reasons: string[] = [];
  const at = (level: string) => (fields: { event: string; err?: unknown }) => {
    logged.push(`${level}: ${fields.event}`);
    reasons.push(String(fields.err ?? ""));
  };
  const logger = { info: at("info"), warn: at("warn"), error: at("error") };
  const history = movedHistory(epoch);
  const opened = await connectRedisHot({ url, logger, node: "test", clock, history, startMs });
  return {
    ...opened,
    ...{ logged, reasons },
    history,
    async close() {
      await opened.bus.close();
      await opened.hot.close();
    },
  };
}
