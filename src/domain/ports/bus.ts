/**
 * The bus between processes. It delivers a message at most once and may lose it silently; subscribers that must not miss
 * anything compare with the store (gap filling, head probe). A publisher's messages keep their order within a channel.
 * The memory implementation delivers within the process, in a later microtask.
 */
export interface Bus extends Subscriptions {
  /** Fire and forget; a bus that is down drops the message and counts it. Channels: see {@link channels}. */
  publish(channel: string, message: Uint8Array): void;
  close(): Promise<void>;
}

/**
 * Subscribing to the bus. The gateway and the bridge get only this part: use cases publish broadcasts (./broadcasts.ts), and
 * the commit publisher publishes committed events.
 */
export interface Subscriptions {
  /**
   * Resolves when the subscription is active. Calls in one turn of the event loop share a round trip.
   * After a reconnect, subscriptions are restored, and then `onGap` handlers are called, because messages may be lost.
   * While the bus is away this resolves at once; the subscription is active before those handlers are called.
   * Handlers may keep a message's bytes but must not change them.
   */
  subscribe(channel: string, handler: (message: Uint8Array) => void): Promise<void>;
  unsubscribe(channel: string, handler: (message: Uint8Array) => void): Promise<void>;
  /** Adds a handler that is called when the bus is back after an outage. */
  onGap(handler: () => void): void;
  stats(): { published: number; received: number; dropped: number; connected: boolean };
}

/** The names of channels. Room channels carry events; user channels carry hints to look at the store. */
export const channels = {
  room: (roomId: number) => `room:${roomId}`,
  user: (userId: number) => `user:${userId}`,
  /** Wakes sessions that wait for signaling messages in a room. */
  signaling: (roomId: number) => `signaling:${roomId}`,
  /** Room ids with new events, for bridge workers. */
  bridge: "bridge",
  /** What bridge workers carry to Matrix beside the log (`BridgeNews` of ./broadcasts.ts). */
  bridgeLive: "bridge:live",
} as const;
