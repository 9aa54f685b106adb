/** One connection that only subscribes. It remembers its channels, and subscribes to them again after every reconnect. */
import { Command, type Redis, ReplyError } from "ioredis";
import { chunksOf, groupedBy } from "../../lists.ts";
import type { RedisLogger } from "./connection.ts";

export interface SubscriberConnection {
  /**
   * Resolves when the channels are subscribed. While the connection is lost it resolves at once: the channels are
   * subscribed when it is back, before `onRestored`.
   */
  add(channels: string[]): Promise<void>;
  remove(channels: string[]): Promise<void>;
  ready(): boolean;
  /** Asks for an answer, so that a connection that died silently is noticed. */
  probe(): void;
  close(): void;
}

export interface SubscriberConnectionOptions {
  connection: Redis;
  /** Sharded channels (Redis 7): a node of the cluster delivers only channels of its own slots. */
  sharded: boolean;
  logger: RedisLogger;
  onMessage: (channel: string, message: Buffer) => void;
  /** All channels are subscribed again; messages may have been lost before. */
  onRestored: () => void;
  /** The connection was lost, or a channel's slot is no longer here. */
  onLost: () => void;
}

/** Channels of one command. The server serves other clients between commands. */
const MAX_CHANNELS = 1_000;
const PLAIN = { subscribe: "subscribe", unsubscribe: "unsubscribe", message: "messageBuffer" } as const;
const SHARDED = { subscribe: "ssubscribe", unsubscribe: "sunsubscribe", message: "smessageBuffer" } as const;

export function openSubscriberConnection({
  connection,
  sharded,
  logger,
  onMessage,
  onRestored,
  onLost,
}: SubscriberConnectionOptions): SubscriberConnection {
  const words = sharded ? SHARDED : PLAIN;
  const channels = new Set<string>();
  /** True after a loss, until all channels are subscribed again. */
  let missed = false;
  let begin: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });

  /** @returns whether the server has them all; when not, a reconnect or another connection subscribes them */
  async function request(verb: "subscribe" | "unsubscribe", names: string[]): Promise<boolean> {
    if (connection.status !== "ready") return false;
    // One command names channels of one slot.
    const lists = sharded ? [...groupedBy(names, slotOf).values()] : [names];
    const commands = lists.flatMap((list) => chunksOf(list, MAX_CHANNELS));
    const answers = await Promise.allSettled(commands.map((list) => connection[words[verb]](...list)));
    const failed = answers.find((answer) => answer.status === "rejected");
    if (failed?.reason instanceof ReplyError) {
      if (String(failed.reason.message).startsWith("MOVED")) onLost();
      else
        logger.error(
          { event: "bus.subscribe_refused", err: failed.reason, command: words[verb] },
          "Redis refused a subscription to the bus; check the rights of its user",
        );
    }
    return failed === undefined;
  }

  async function restore(): Promise<void> {
    const whole = await request("subscribe", [...channels]);
    begin();
    if (!whole || !missed) return;
    missed = false;
    onRestored();
  }

  connection.on(words.message, (channel: Buffer, message: Buffer) => onMessage(channel.toString(), message));
  connection.on("ready", () => void restore());
  connection.on("moved", onLost);
  connection.on("close", () => {
    missed = true;
    begin();
    onLost();
  });
  connection.on("error", () => {
    // "close" follows, and the connection for commands logs the reason.
  });

  return {
    async add(names) {
      for (const name of names) channels.add(name);
      if (connection.status === "ready") await request("subscribe", names);
      else await begun;
    },
    async remove(names) {
      for (const name of names) channels.delete(name);
      await request("unsubscribe", names);
    },
    ready: () => connection.status === "ready",
    probe() {
      // Without an answer the driver gives the connection up, and "close" follows.
      if (connection.status === "ready") connection.ping().catch(() => undefined);
    },
    close: () => connection.disconnect(),
  };
}

/** The cluster's slot of a channel. */
export function slotOf(channel: string): number {
  return new Command("ssubscribe", [channel]).getSlot();
}
