/** A Redis twin for tests, with what it logged. */
import { connectRedisHot, type RedisHot } from "../../src/hot/redis.ts";

export interface TestedHot extends RedisHot {
  /** `warn: text` */
  logged: string[];
  close(): Promise<void>;
}

export async function openRedisHot(url: string, startMs = 5_000): Promise<TestedHot> {
  const logged: string[] = [];
  const at = (level: string) => (_fields: unknown, text?: string) => void logged.push(`${level}: ${text}`);
  const logger = { info: at("info"), warn: at("warn"), error: at("error") };
  const opened = await connectRedisHot({ url, logger, node: "test", startMs });
  return {
    ...opened,
    logged,
    async close() {
      await opened.bus.close();
      await opened.hot.close();
    },
  };
}
