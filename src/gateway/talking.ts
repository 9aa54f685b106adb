/** Sending, reading back, and the read marker. */
import type { Messages } from "../domain/use-cases.ts";
import type { ClientFrames, OkFields } from "../protocol/frames.ts";
import type { Speaker } from "./commands.ts";
import { eventFrame } from "./event-frames.ts";
import type { Hub } from "./hub.ts";
import type { GatewayMetrics } from "./metrics.ts";
import type { Users } from "./users.ts";

type Handler<Op extends "send" | "history" | "read"> = (
  speaker: Speaker,
  frame: ClientFrames[Op],
) => Promise<OkFields[Op]>;

export interface Talking {
  send: Handler<"send">;
  history: Handler<"history">;
  read: Handler<"read">;
}

export interface TalkingOptions {
  messages: Messages;
  hub: Hub;
  users: Users;
  metrics: GatewayMetrics;
}

export function createTalking({ messages, hub, users, metrics }: TalkingOptions): Talking {
  return {
    // [GW-5.1] Acknowledged means durable: `send` resolves after the commit.
    async send({ identity }, { room, id, text, replyTo, mentions }) {
      const since = performance.now();
      const { seq, at, duplicate } = await messages.send(identity.actor, room, {
        id,
        text,
        ...(replyTo !== undefined && { replyTo }),
        ...(mentions !== undefined && { mentions }),
      });
      metrics.sends++;
      metrics.ackSeconds.observe((performance.now() - since) / 1_000);
      return duplicate ? { room, seq, at, duplicate: true } : { room, seq, at };
    },

    // [GW-6.1]
    async history({ identity }, { room, before, after, limit }) {
      const page = await messages.history(identity.actor, room, {
        limit,
        ...(before !== undefined && { before }),
        ...(after !== undefined && { after }),
      });
      return { events: page.events.map(eventFrame), more: page.more };
    },

    // [GW-6.3] The user's other sessions follow, and those who have the room open see how far it was read.
    async read({ session, identity }, { room, seq }) {
      const { actor, user } = identity;
      const { read, unread, mention, moved } = await messages.markRead(actor, room, seq);
      if (moved) {
        users.announceMarker(user.id, {
          unread: { op: "unread", room, read, unread, mention },
          except: session.id,
        });
        const followed = hub.byToken(room);
        if (followed) hub.announce(followed, { op: "receipt", room, actor, read });
      }
      return { read, unread, mention };
    },
  };
}
