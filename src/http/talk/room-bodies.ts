/** Rooms with their last message, for answers that hold one or many. */
import { DomainError } from "../../domain/errors.ts";
import type { TimelineEntry } from "../../domain/message-use-cases.ts";
import type { Actor } from "../../domain/model.ts";
import type { RoomView } from "../../domain/room-use-cases.ts";
import type { UseCases } from "../../domain/use-cases.ts";
import type { MessageBody, MessageShapes } from "./message-shapes.ts";
import { type RoomBody, roomBody } from "./room-shapes.ts";
import { systemMessageOf, TALK_EVENTS } from "./system-messages.ts";

export interface RoomBodies {
  all(actor: Actor, views: readonly RoomView[]): Promise<RoomBody[]>;
  one(actor: Actor, view: RoomView): Promise<RoomBody>;
}

/** How many events that say nothing in Talk are looked over for one that does, before a room has no last message. */
const LOOK_BACK = 100;

export function createRoomBodies(
  { timeline }: Pick<UseCases, "timeline">,
  shapes: MessageShapes,
): RoomBodies {
  /** The last event of the right type may still say nothing: somebody came by themselves, or the picture changed. */
  async function lastOf(
    actor: Actor,
    { conversation }: RoomView,
    last: TimelineEntry | undefined,
  ): Promise<MessageBody | null> {
    if (!last) return null;
    const speaks = ({ event, message }: TimelineEntry) =>
      message !== null || systemMessageOf(event, conversation.type) !== null;
    const page = { before: last.event.seq, limit: LOOK_BACK, types: TALK_EVENTS };
    const found = speaks(last)
      ? last
      : (await timeline.page(actor, conversation.token, page)).entries.find(speaks);
    const [message = null] = found ? await shapes.of(actor, conversation, [found]) : [];
    return message;
  }

  async function all(actor: Actor, views: readonly RoomView[]): Promise<RoomBody[]> {
    const readable = views.filter(({ waiting }) => !waiting).map(({ conversation }) => conversation.id);
    const lasts = readable.length === 0 ? new Map() : await timeline.last(actor, readable, TALK_EVENTS);
    const now = Date.now();
    return await Promise.all(
      views.map(async (view) => {
        const last = await lastOf(actor, view, lasts.get(view.conversation.id)).catch(unlessShut);
        return roomBody(view, last, now);
      }),
    );
  }

  return {
    all,
    async one(actor, view) {
      const [body] = await all(actor, [view]);
      return body as RoomBody;
    },
  };
}

/** The room was left, or its lobby closed, while this was put together. */
function unlessShut(error: unknown): null {
  if (error instanceof DomainError && (error.code === "not_found" || error.code === "lobby")) return null;
  throw error;
}
