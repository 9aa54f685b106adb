/** Sending, reading back, and the read marker. */
import type { LoggedEvent } from "../../domain/model.ts";
import type { Messages, SendInput } from "../../domain/use-cases/sending.ts";
import { LIMITS } from "../../protocol/limits.ts";
import type { Hub } from "../delivery/hub.ts";
import { requireNotWaiting } from "../delivery/lobby.ts";
import { eventFrame } from "../frames/encoded-event.ts";
import type { GatewayMetrics } from "../metrics.ts";
import type { Handlers } from "./handlers.ts";

export type MessageCommands = Handlers<"send" | "history" | "read">;

export interface MessageCommandOptions {
  messages: Messages;
  hub: Hub;
  metrics: GatewayMetrics;
}

/** As many events, from the end or from the start of a page, as go into one answer; at least one. */
function withinBytes(events: readonly LoggedEvent[], fromEnd: boolean): readonly LoggedEvent[] {
  let bytes = 0;
  let count = 0;
  for (let n = 0; n < events.length; n++) {
    const event = events.at(fromEnd ? -1 - n : n) as LoggedEvent;
    bytes += event.dataJson.length;
    if (count > 0 && bytes > LIMITS.HISTORY_BYTES) break;
    count++;
  }
  return fromEnd ? events.slice(events.length - count) : events.slice(0, count);
}

export function createMessageCommands({ messages, hub, metrics }: MessageCommandOptions): MessageCommands {
  return {
    // [GW-5.1] Acknowledged means durable: `send` resolves after the commit.
    async send({ identity }, frame) {
      const since = performance.now();
      const { room } = frame;
      const { seq, at, duplicate } = await messages.send(identity.actor, room, frame as SendInput);
      metrics.sends++;
      metrics.ackSeconds.observe((performance.now() - since) / 1_000);
      return duplicate ? { room, seq, at, duplicate: true } : { room, seq, at };
    },

    // [GW-6.1] [GW-6.5]
    async history({ identity }, { room, before, after, limit }) {
      const page = await messages.history(identity.actor, room, {
        limit,
        ...(before !== undefined && { before }),
        ...(after !== undefined && { after }),
      });
      const events = withinBytes(page.events, after === undefined);
      return { events: events.map(eventFrame), more: page.more || events.length < page.events.length };
    },

    // [GW-6.3]
    async read({ session, identity }, { room, seq }) {
      requireNotWaiting(session, hub.byToken(room));
      const { read, unread, mention } = await messages.markRead(identity.actor, room, seq, session.id);
      return { read, unread, mention };
    },
  };
}
