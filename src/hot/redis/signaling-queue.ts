import type { Mailboxes } from "../../domain/ports/hot.ts";
import type { RedisClient } from "./connection/client.ts";

export function createRedisMailboxes(client: RedisClient): Mailboxes {
  const { keys } = client;
  return {
    async put(address, messages, { most, ttlMs }) {
      if (messages.length === 0) return;
      await client.run("mailbox-put", [keys.mailbox(address)], [most, ttlMs, ...messages]);
    },
    take: (address) => client.run<string[]>("mailbox-take", [keys.mailbox(address)], []),
  };
}
