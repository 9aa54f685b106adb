/**
 * Tells the other processes what this process committed: room events on the room's channel, news of a membership on
 * the user's channel, and room ids for bridge workers. Every process with a store runs it, once.
 */

import { dataOf } from "../../domain/event-data.ts";
import type { LoggedEvent } from "../../domain/model.ts";
import { type Bus, channels } from "../../domain/ports/bus.ts";
import type { Store } from "../../domain/ports/store/store.ts";
import { committedJson } from "./encoded-event.ts";

/** On the channel of a user who joined a room: gateways that do not follow the room have to start. */
export interface JoinedHint {
  hint: "joined";
  conversationId: number;
  /** The room's token. */
  room: string;
  /** Seq of the user's own `member.joined`. */
  seq: number;
}

/** Publishes everything that `store` commits in this process. Call it once per process, before anything is committed. */
export function announceCommitted({ store, bus }: { store: Pick<Store, "onCommitted">; bus: Bus }): void {
  store.onCommitted((events) => {
    const rooms: number[] = [];
    const json = committedJson(events);
    // The store hands over events sorted by room.
    for (let first = 0, next = 0; first < events.length; first = next) {
      const { conversationId } = events[first] as LoggedEvent;
      for (next = first + 1; events[next]?.conversationId === conversationId; ) next++;
      bus.publish(channels.room(conversationId), Buffer.from(json.slice(first, next).join("\n")));
      rooms.push(conversationId);
    }
    for (const event of events) if (event.type === "member.joined") announceJoin(bus, event);
    bus.publish(channels.bridge, Buffer.from(JSON.stringify(rooms)));
  });
}

function announceJoin(bus: Bus, event: LoggedEvent): void {
  const { member } = dataOf<"member.joined">(event);
  if (member.kind !== "user") return;
  const { conversationId, room, seq } = event;
  const hint: JoinedHint = { hint: "joined", conversationId, room, seq };
  bus.publish(channels.user(Number(member.id)), Buffer.from(JSON.stringify(hint)));
}
