/** Caches new messages in Talk's shape, so that a message is read and shaped once for all long polls of its room. */
import { LRUCache } from "lru-cache";
import type { LoggedEvent, Room } from "../../../domain/model.ts";
import type { Timeline } from "../../../domain/use-cases/messages.ts";
import type { MessageBody, MessageShapes } from "./message-shapes.ts";
import { speaks } from "./system-messages.ts";

export interface LiveMessages {
  /** Call this with every event of a followed room: an edit or deletion drops the cached message. */
  heard(event: LoggedEvent): void;
  /**
   * The messages for new events, in their order.
   * @param historyFrom the reader may see events with a greater seq
   * @returns null when a message differs between readers of the room
   */
  of(room: Room, events: readonly LoggedEvent[], historyFrom: number): Promise<MessageBody[] | null>;
}

/** `personal`: the message differs between readers. Null: the event has no message in Talk. */
type Shaped = MessageBody | "personal" | null;

/** Cached messages. All polls of a room ask for a new message at about the same time. */
const REMEMBERED = 1_000;
const REMEMBERED_MS = 10_000;

export function createLiveMessages(
  timeline: Pick<Timeline, "entriesForAll">,
  shapes: Pick<MessageShapes, "ofAll">,
): LiveMessages {
  const shaped = new LRUCache<string, Promise<Shaped>>({ max: REMEMBERED, ttl: REMEMBERED_MS });

  async function shape(room: Room, event: LoggedEvent): Promise<Shaped> {
    const entries = await timeline.entriesForAll([event]);
    const bodies = await shapes.ofAll(
      room,
      entries.filter((entry) => speaks(entry, room.type)),
    );
    return bodies === null ? "personal" : (bodies[0] ?? null);
  }

  function once(room: Room, event: LoggedEvent): Promise<Shaped> {
    const key = keyOf(room.id, event.seq);
    const known = shaped.get(key);
    if (known) return known;
    const making = shape(room, event);
    shaped.set(key, making);
    making.catch(() => shaped.delete(key));
    return making;
  }

  return {
    heard({ roomId, type }) {
      if (!CHANGES_MESSAGE.has(type)) return;
      // Replies quote the message, so they are dropped too.
      const ofRoom = keyOf(roomId, "");
      for (const key of [...shaped.keys()]) if (key.startsWith(ofRoom)) shaped.delete(key);
    },
    async of(room, events, historyFrom) {
      const all = await Promise.all(events.map((event) => once(room, event)));
      if (all.includes("personal")) return null;
      const bodies = all.filter((one): one is MessageBody => one !== null && one !== "personal");
      return bodies.filter(({ id }) => id > historyFrom).map((body) => withVisibleParent(body, historyFrom));
    },
  };
}

const CHANGES_MESSAGE: ReadonlySet<string> = new Set(["message.edited", "message.deleted"]);

function keyOf(roomId: number, seq: number | ""): string {
  return `${roomId} ${seq}`;
}

/** Of a message from before the reader's time only the place is shown. */
function withVisibleParent(body: MessageBody, historyFrom: number): MessageBody {
  const { parent } = body;
  return parent && parent.id <= historyFrom ? { ...body, parent: { id: parent.id, deleted: true } } : body;
}
