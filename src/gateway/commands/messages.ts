/** Sending, reading back, and the read marker. */
import type { LoggedEvent } from "../../domain/model.ts";
import type { HistoryPage, Messages, SendInput } from "../../domain/use-cases/sending.ts";
import { LIMITS } from "../../protocol/limits.ts";
import type { Hub } from "../delivery/hub.ts";
import { requireNotWaiting } from "../delivery/lobby.ts";
import { eventFrame } from "../frames/encoded-event.ts";
import type { FileUrls } from "../frames/file-urls.ts";
import type { GatewayMetrics } from "../metrics.ts";
import type { Handlers } from "./handlers.ts";

export type MessageCommands = Handlers<"send" | "history" | "read">;

export interface MessageCommandOptions {
  messages: Messages;
  hub: Hub;
  fileUrls: FileUrls;
  metrics: GatewayMetrics;
}

/** As many events, from the end or from the start of a page, as `most` bytes hold; at least one. */
function withinBytes(
  events: readonly LoggedEvent[],
  fromEnd: boolean,
  most: number = LIMITS.HISTORY_BYTES,
): readonly LoggedEvent[] {
  let bytes = 0;
  let count = 0;
  for (let n = 0; n < events.length; n++) {
    const event = events.at(fromEnd ? -1 - n : n) as LoggedEvent;
    bytes += event.dataJson.length;
    if (count > 0 && bytes > most) break;
    count++;
  }
  return fromEnd ? events.slice(events.length - count) : events.slice(0, count);
}

/** As many events on both sides of the one in the middle as go into one answer. */
function withinBytesAround(events: readonly LoggedEvent[], middle: number): readonly LoggedEvent[] {
  const index = events.findIndex(({ seq }) => seq === middle);
  const half = LIMITS.HISTORY_BYTES / 2;
  return [
    ...withinBytes(events.slice(0, index), true, half),
    ...withinBytes(events.slice(index), false, half),
  ];
}

export function createMessageCommands({
  messages,
  hub,
  fileUrls,
  metrics,
}: MessageCommandOptions): MessageCommands {
  return {
    // [GW-5.1] Acknowledged means durable: `send` resolves after the commit.
    async send({ identity }, frame) {
      const since = performance.now();
      const { room } = frame;
      const { seq, at, duplicate, thread } = await messages.send(identity.actor, room, frame as SendInput);
      metrics.sends++;
      metrics.ackSeconds.observe((performance.now() - since) / 1_000);
      const answer = duplicate ? { room, seq, at, duplicate: true as const } : { room, seq, at };
      return thread === undefined ? answer : { ...answer, thread };
    },

    // [GW-6.1] [GW-6.5]
    async history({ identity }, { op: _op, ref: _ref, room, ...asked }) {
      const { around, after = asked.at } = asked;
      const page = await messages.history(identity.actor, room, asked as HistoryPage);
      const isUpwards = around !== undefined || after !== undefined;
      const events =
        around === undefined ? withinBytes(page.events, !isUpwards) : withinBytesAround(page.events, around);
      const isCut = events.at(isUpwards ? -1 : 0) !== page.events.at(isUpwards ? -1 : 0);
      return { events: events.map((event) => eventFrame(event, fileUrls)), more: page.more || isCut };
    },

    // [GW-6.3] [GW-6.12] [GW-6.13]
    async read({ session, identity }, { room, seq, thread }) {
      requireNotWaiting(session, hub.byToken(room));
      if (seq === undefined) return await messages.markUnread(identity.actor, room, session.id);
      if (thread !== undefined) {
        return await messages.readThread(identity.actor, room, { thread, seq }, session.id);
      }
      const { read, unread, mention } = await messages.markRead(identity.actor, room, seq, session.id);
      return { read, unread, mention };
    },
  };
}
