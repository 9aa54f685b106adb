/** Rooms with their last message, for answers that hold one or many. */
import { DomainError } from "../../../domain/errors.ts";
import type { Actor, Room } from "../../../domain/model.ts";
import type { TimelineEntry } from "../../../domain/use-cases/messages.ts";
import type { ClientName, RoomView } from "../../../domain/use-cases/rooms.ts";
import type { UseCases } from "../../../domain/use-cases/use-cases.ts";
import type { MessageBody, MessageShapes } from "./message-shapes.ts";
import { type RoomBody, roomBody } from "./room-shapes.ts";
import { speaks, TALK_EVENTS } from "./system-messages.ts";

export interface RoomBodies {
  all(viewer: Viewer, views: readonly RoomView[]): Promise<RoomBody[]>;
  one(viewer: Viewer, view: RoomView): Promise<RoomBody>;
}

/** `client` is undefined for guests, who have just one. */
export interface Viewer {
  actor: Actor;
  client: ClientName | undefined;
}

/** So many events that say nothing in Talk are looked over for one that does; what people wrote is found beyond them. */
const LOOK_BACK = 200;

export function createRoomBodies(
  { clock, timeline }: Pick<UseCases, "clock" | "timeline">,
  shapes: MessageShapes,
): RoomBodies {
  async function lastEntry(
    actor: Actor,
    { token, type }: Room,
    last: TimelineEntry,
  ): Promise<TimelineEntry | undefined> {
    if (speaks(last, type)) return last;
    const before = { before: last.event.seq, limit: LOOK_BACK, types: TALK_EVENTS };
    const { entries } = await timeline.page(actor, token, before);
    const found = entries.find((entry) => speaks(entry, type));
    if (found || entries.length < LOOK_BACK) return found;
    return (await timeline.page(actor, token, { limit: 1 })).entries[0];
  }

  async function lastMessageOf(
    actor: Actor,
    { room }: RoomView,
    last: TimelineEntry | undefined,
  ): Promise<MessageBody | null> {
    const entry = last && (await lastEntry(actor, room, last));
    const [message = null] = entry ? await shapes.of(actor, room, [entry]) : [];
    return message;
  }

  async function all({ actor, client }: Viewer, views: readonly RoomView[]): Promise<RoomBody[]> {
    const readable = views.filter(({ waiting }) => !waiting).map(({ room }) => room.id);
    const lasts = readable.length === 0 ? new Map() : await timeline.last(actor, readable, TALK_EVENTS);
    const now = clock.now();
    return await Promise.all(
      views.map(async (view) => {
        const last = await lastMessageOf(actor, view, lasts.get(view.room.id)).catch(unlessShut);
        return roomBody(view, last, { client, now });
      }),
    );
  }

  return {
    all,
    async one(viewer, view) {
      const [body] = await all(viewer, [view]);
      return body as RoomBody;
    },
  };
}

/** The room was left, or its lobby closed, while this was put together. */
function unlessShut(error: unknown): null {
  if (error instanceof DomainError && (error.code === "not_found" || error.code === "lobby")) return null;
  throw error;
}
