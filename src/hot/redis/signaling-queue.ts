import type { SignalingQueues } from "../../domain/ports/hot.ts";
import type { RedisClient } from "./connection/client.ts";

export function createRedisSignalingQueues(client: RedisClient): SignalingQueues {
  const { keys } = client;
  return {
    async put(address, messages, { most, ttlMs }) {
      if (messages.length === 0) return;
      await client.run("signaling-queue-put", [keys.signalingQueue(address)], [most, ttlMs, ...messages]);
    },
    take: (address) => client.run<string[]>("signaling-queue-take", [keys.signalingQueue(address)], []),
  };
}
