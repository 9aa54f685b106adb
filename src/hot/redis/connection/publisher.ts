/** Publishes all messages of one turn of the event loop together. No caller waits; a message that fails is counted as dropped. */
import { DomainError } from "../../../domain/errors.ts";
import { chunksOf } from "../../lists.ts";
import type { RedisClient } from "./client.ts";
import type { RedisLogger } from "./connection.ts";

export interface Publisher {
  publish(channel: string, message: Uint8Array): void;
  stats(): { published: number; dropped: number };
  /** Drops later messages. Resolves when earlier ones have been sent or dropped. */
  close(): Promise<void>;
}

/** Unanswered messages. More are dropped, so that a server that is stuck does not make memory grow. */
const MAX_PENDING_BYTES = 64 * 1_024 * 1_024;
/** Messages of one script. The server serves other clients between scripts. */
const MAX_MESSAGES = 500;

interface Message {
  channel: string;
  bytes: Buffer;
}

export function createPublisher(options: {
  client: RedisClient;
  prefix: () => string;
  sharded: () => boolean;
  logger: RedisLogger;
}): Publisher {
  const { client, prefix, sharded, logger } = options;
  const counts = { published: 0, dropped: 0 };
  let outbox: Message[] = [];
  let pendingBytes = 0;
  let sent: Promise<unknown> = Promise.resolve();
  let open = true;

  function send(messages: Message[]): Promise<unknown> {
    const args = messages.flatMap(({ channel, bytes }) => [channel, bytes]);
    return sharded()
      ? client.background.send("spublish", ...args)
      : client.background.run("publish", [client.keys.publishers()], args);
  }

  async function deliver(messages: Message[]): Promise<void> {
    try {
      await send(messages);
      counts.published += messages.length;
    } catch (error) {
      counts.dropped += messages.length;
      if (!(error instanceof DomainError))
        logger.error(
          { event: "bus.publish_refused", err: error, messages: messages.length },
          "Redis refused to publish messages of the bus; they are dropped. Check the rights of its user",
        );
    } finally {
      for (const { bytes } of messages) pendingBytes -= bytes.length;
    }
  }

  function flush(): void {
    // A script costs the client one command for many messages; sharded channels lie on many nodes.
    const batches = chunksOf(outbox, sharded() ? 1 : MAX_MESSAGES);
    outbox = [];
    sent = Promise.all([sent, ...batches.map(deliver)]);
  }

  return {
    publish(channel, message) {
      if (!open || !client.ready() || pendingBytes + message.length > MAX_PENDING_BYTES) {
        counts.dropped++;
        return;
      }
      if (outbox.length === 0) process.nextTick(flush);
      pendingBytes += message.length;
      const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
      outbox.push({ channel: prefix() + channel, bytes });
    },
    stats: () => ({ ...counts }),
    async close() {
      open = false;
      flush();
      await sent;
    },
  };
}
