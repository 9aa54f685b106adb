import { type Peer, startScript } from "./peer.ts";
import { findRedis, startRedis } from "./redis.ts";

/** @param redisUrl of a Redis of the operator's; null: one that is started, where redis-server is on PATH */
export function socketIo(redisUrl: string | null): Peer {
  const hasRedis = redisUrl !== null || findRedis() !== null;
  const name = hasRedis ? "Socket.IO + Redis" : "Socket.IO (no Redis found)";
  return {
    name,
    guarantees: {
      durable: "no",
      ordered: hasRedis ? "per connection; between nodes as Redis delivers" : "per connection, one process",
      idempotent: "no",
      resumable: "no (not over pub/sub)",
    },
    start: async () => {
      const redis = redisUrl === null && hasRedis ? await startRedis() : null;
      const url = redis?.url ?? redisUrl;
      const target = await startScript(name, "socket-io", "./socket-io-server.js", url === null ? [] : [url]);
      const stop = async () => {
        await target.stop();
        await redis?.stop();
      };
      return { ...target, pids: { ...target.pids, database: redis?.pid ?? null }, stop };
    },
  };
}
