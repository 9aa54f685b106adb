import type { Mailboxes } from "../domain/ports/hot.ts";
import type { RedisClient } from "./redis-client.ts";
import { keys } from "./redis-keys.ts";

export function createRedisMailboxes(client: RedisClient): Mailboxes {
  return {
    async put(address, messages, { most, ttlMs }) {
      if (messages.length === 0) return;
      await client.run("mailbox-put", [keys.mailbox(address)], [most, ttlMs, ...messages]);
    },
    take: (address) => client.run<string[]>("mailbox-take", [keys.mailbox(address)], []),
  };
}
