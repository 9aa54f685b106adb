/** One connection that only listens. It knows which channels it is to have, and has them again after every reconnect. */
import { Command, type Redis, ReplyError } from "ioredis";
import { chunksOf, groupedBy } from "../../lists.ts";
import type { RedisLogger } from "./connection.ts";

export interface Lane {
  /**
   * Resolves when the channels are in force. After the connection was lost it resolves at once: they come into force
   * when it is back, before `onRestored`.
   */
  add(channels: string[]): Promise<void>;
  remove(channels: string[]): Promise<void>;
  ready(): boolean;
  /** Makes a connection that died silently be noticed. */
  probe(): void;
  close(): void;
}

export interface LaneOptions {
  connection: Redis;
  /** Sharded channels (Redis 7): only this node of the cluster passes on what it has the slots of. */
  sharded: boolean;
  logger: RedisLogger;
  onMessage: (channel: string, message: Buffer) => void;
  /** All channels are in force again; messages may have been lost before. */
  onRestored: () => void;
  /** The connection was lost, or a channel's slot is no longer here. */
  onLost: () => void;
}

/** Channels in one command, so that the server turns to its other clients in between. */
const CHANNELS_AT_ONCE = 1_000;
const PLAIN = { subscribe: "subscribe", unsubscribe: "unsubscribe", message: "messageBuffer" } as const;
const SHARDED = { subscribe: "ssubscribe", unsubscribe: "sunsubscribe", message: "smessageBuffer" } as const;

export function openLane({ connection, sharded, logger, onMessage, onRestored, onLost }: LaneOptions): Lane {
  const words = sharded ? SHARDED : PLAIN;
  const channels = new Set<string>();
  /** The connection was away; set until all channels are in force again. */
  let missed = false;
  let begin: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });

  /** @returns whether the server has them all; when not, a reconnect or another lane will see to it */
  async function tell(verb: "subscribe" | "unsubscribe", names: string[]): Promise<boolean> {
    if (connection.status !== "ready") return false;
    // One command names channels of one slot.
    const lists = sharded ? [...groupedBy(names, slotOf).values()] : [names];
    const commands = lists.flatMap((list) => chunksOf(list, CHANNELS_AT_ONCE));
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
    const whole = await tell("subscribe", [...channels]);
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
    // "close" follows, and the connection for commands tells the reason.
  });

  return {
    async add(names) {
      for (const name of names) channels.add(name);
      if (connection.status === "ready") await tell("subscribe", names);
      else await begun;
    },
    async remove(names) {
      for (const name of names) channels.delete(name);
      await tell("unsubscribe", names);
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
