/**
 * Finds the events that an event from Matrix is about: the message that it edits, answers, reacts to or redacts. Clients send
 * such events before their targets when a homeserver comes back, and homeservers lose and reorder deliveries.
 */
import type { Logger } from "../../src/logger.ts";
import { markOf } from "../mapping/marks.ts";
import { type MatrixEvent, pinnedIn, readEvent, redactedBy, relationOf } from "../mapping/matrix-events.ts";
import type { BridgeCounts } from "../metrics.ts";
import type { OwnEvents } from "../outbound/own-events.ts";
import type { EventLookup } from "../rooms/event-lookup.ts";
import type { OpenRoom } from "../rooms/rooms.ts";
import type { BridgeStore } from "../store/bridge-store.ts";
import type { InboxEntry } from "../store/queues.ts";
import type { Inbox } from "./inbox.ts";

export interface Targets {
  /**
   * Whether the event can be applied now: each of its targets was applied before, or is of no kind that the chat has.
   * Targets that are in the inbox, or only at the homeserver, are applied first. Else the event is stored as waiting, or,
   * when it has waited and is no message of its own, as a dead letter.
   */
  ready(room: OpenRoom, event: MatrixEvent, how: Waiter): Promise<boolean>;
}

export interface Waiter extends Pick<InboxEntry, "isOverdue"> {
  /** Ids of the events that wait at this moment for this one to be applied. They are not waited for. */
  above: readonly string[];
  /** Applies an event of the inbox. */
  applyFirst(entry: InboxEntry): Promise<void>;
}

export interface TargetsOptions {
  store: Pick<BridgeStore, "whereabouts" | "waitFor" | "inboxEntry" | "putEventAside" | "applied">;
  inbox: Pick<Inbox, "receive">;
  events: Pick<EventLookup, "ask">;
  own: OwnEvents;
  /** Whether the homeserver can be asked. */
  connected: () => boolean;
  counts: BridgeCounts;
  logger: Pick<Logger, "info">;
}

/**
 * - `settled`: it was applied, or is of no kind that the chat has.
 * - `coming`: it is in the inbox and waits itself, or the homeserver could not be asked.
 * - `missing`: the homeserver does not have it.
 */
type Found = "settled" | "coming" | "missing";

export function createTargets(options: TargetsOptions): Targets {
  const { store, inbox, events, own, connected, counts, logger } = options;

  /** Asks the homeserver for a target that was not delivered, and puts it into the inbox. */
  async function fetchTarget(room: OpenRoom, target: string): Promise<Found | "received"> {
    if (!connected()) return "coming";
    const answer = await events.ask(room, target);
    if (answer.standing === "away") return "coming";
    if (answer.standing === "absent") return "missing";
    const event = readEvent({ ...answer.event, room_id: room.matrixRoomId });
    if (event?.event_id !== target) return "settled";
    await inbox.receive([event]);
    if (await store.whereabouts(room.id, target)) return "received";
    // The inbox takes no events of the bot and of guests. One with a mark was sent by a worker that ended before it stored so.
    if (!markOf(event.content)) return "settled";
    return (await own.origin(room, event)).from === "own" ? "settled" : "missing";
  }

  async function find(room: OpenRoom, target: string, applyFirst: Waiter["applyFirst"]): Promise<Found> {
    const known = await store.whereabouts(room.id, target);
    if (known === "applied") return "settled";
    const found = known ?? (await fetchTarget(room, target));
    if (found !== "received") return found;
    const entry = await store.inboxEntry(target);
    if (entry) await applyFirst(entry);
    return (await store.whereabouts(room.id, target)) === "applied" ? "settled" : "coming";
  }

  return {
    async ready(room, event, { isOverdue, above, applyFirst }) {
      for (const target of targetsOf(event).filter((id) => !above.includes(id))) {
        const found = await find(room, target, applyFirst);
        if (found === "settled") continue;
        const waits = found === "coming" || !isOverdue;
        if (waits && (await store.waitFor(room.id, event.event_id, target))) return false;
        // It was applied between the two looks.
        if (waits && (await store.whereabouts(room.id, target)) === "applied") continue;
        counts.withoutTarget++;
        logger.info(
          {
            ...{ event: "bridge.target_missing", room: room.token, matrixEvent: event.event_id },
            ...{ type: event.type, target },
          },
          "the event that an event from Matrix is about was not found; a message goes without the relation, others are dead letters",
        );
        if (isOwnMessage(event)) continue;
        const what = { eventId: event.event_id, type: event.type, text: JSON.stringify(event) };
        const reason = `The event that it is about is not at the homeserver: ${target}`;
        await store.putEventAside(room.id, what, { errcode: null, reason });
        await store.applied(event.event_id);
        return false;
      }
      return true;
    },
  };
}

/** Whether the event says something also without its target. */
function isOwnMessage(event: MatrixEvent): boolean {
  if (event.type === "m.reaction" || event.type === "m.room.redaction") return false;
  return relationOf(event.content).replaces === null;
}

/** The ids of the other events that an event is about. */
function targetsOf(event: MatrixEvent): string[] {
  if (event.type === "m.room.pinned_events") return pinnedIn(event.content).slice(-1);
  const { replaces, answers, thread, annotates } = relationOf(event.content);
  const ids =
    event.type === "m.room.redaction"
      ? [redactedBy(event)]
      : [replaces, annotates?.eventId ?? null, thread, answers];
  return [...new Set(ids)].filter((id): id is string => id !== null && id !== event.event_id);
}
