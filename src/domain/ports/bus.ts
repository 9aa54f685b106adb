/**
 * The bus between processes. Delivery is at most once and may silently lose: whoever needs certainty compares with
 * the store (gap filling, head probe). Order per channel is the publisher's order.
 * The memory twin delivers within the process, in a later microtask.
 */
export interface Bus extends Subscriptions {
  /** Fire and forget; a bus that is down drops the message and counts it. Channels: see {@link channels}. */
  publish(channel: string, message: Uint8Array): void;
  close(): Promise<void>;
}

/**
 * Hearing what is published. The gateway and the bridge get no more of the bus than this: use cases announce what they
 * did (./broadcasts.ts), and the commit publisher what was committed.
 */
export interface Subscriptions {
  /**
   * Resolves when the subscription is in force. Many calls in one turn share a round trip.
   * After a reconnect the twin subscribes again by itself and calls `onGap` handlers: something may have been lost.
   * While the bus is away this resolves at once: the subscription comes into force before those handlers are called.
   * A message's bytes are the handlers' to keep, not to change.
   */
  subscribe(channel: string, handler: (message: Uint8Array) => void): Promise<void>;
  unsubscribe(channel: string, handler: (message: Uint8Array) => void): Promise<void>;
  /** Called after the bus was away and is back. */
  onGap(handler: () => void): void;
  stats(): { published: number; received: number; dropped: number; connected: boolean };
}

/** The names of channels. Room channels carry events; user channels carry hints to look at the store. */
export const channels = {
  room: (conversationId: number) => `room:${conversationId}`,
  user: (userId: number) => `user:${userId}`,
  /** Wakes those who wait for signaling messages in a room. */
  signaling: (conversationId: number) => `signaling:${conversationId}`,
  /** Room ids with new events, for bridge workers. */
  bridge: "bridge",
} as const;
