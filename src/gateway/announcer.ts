/**
 * Tells the other processes what this process committed: room events on the room's channel, news of a membership on
 * the user's channel, and room ids for bridge workers. Every process with a store runs it, once.
 */
import type { EventData, LoggedEvent } from "../domain/model.ts";
import { type Bus, channels } from "../domain/ports/bus.ts";
import type { Store } from "../domain/ports/store.ts";
import { eventJson } from "./event-frames.ts";

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
    for (const run of runsByRoom(events)) {
      const [{ conversationId }] = run;
      bus.publish(channels.room(conversationId), Buffer.from(run.map(eventJson).join("\n")));
      for (const event of run) if (event.type === "member.joined") announceJoin(bus, event);
      rooms.push(conversationId);
    }
    bus.publish(channels.bridge, Buffer.from(JSON.stringify(rooms)));
  });
}

/** The store hands over events sorted by room. */
function runsByRoom(events: readonly LoggedEvent[]): [LoggedEvent, ...LoggedEvent[]][] {
  const runs: [LoggedEvent, ...LoggedEvent[]][] = [];
  for (const event of events) {
    const run = runs.at(-1);
    if (run?.[0].conversationId === event.conversationId) run.push(event);
    else runs.push([event]);
  }
  return runs;
}

function announceJoin(bus: Bus, event: LoggedEvent): void {
  const { member } = JSON.parse(event.dataJson) as EventData["member.joined"];
  if (member.kind !== "user") return;
  const { conversationId, room, seq } = event;
  const hint: JoinedHint = { hint: "joined", conversationId, room, seq };
  bus.publish(channels.user(Number(member.id)), Buffer.from(JSON.stringify(hint)));
}
