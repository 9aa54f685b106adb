/**
 * Applies events from Matrix to the chatroom, through the same use cases as every API. When a use case refuses, the bridge
 * undoes the act in Matrix. Applying an event twice is the same as once.
 */
import { DomainError } from "../../src/domain/errors.ts";
import type { Actor } from "../../src/domain/model.ts";
import type { RoomLog } from "../../src/domain/ports/store/log.ts";
import type { SendInput } from "../../src/domain/use-cases/sending.ts";
import type { UseCases } from "../../src/domain/use-cases/use-cases.ts";
import type { Logger } from "../../src/logger.ts";
import type { Ghosts } from "../mapping/ghosts.ts";
import { kindOf } from "../mapping/kinds.ts";
import { type MatrixEvent, relationOf } from "../mapping/matrix-events.ts";
import {
  besideWhole,
  type ChatMessage,
  chatMentions,
  chatText,
  shownHash,
  WHOLE_TEXT,
} from "../mapping/translate.ts";
import type { BridgeCounts } from "../metrics.ts";
import type { Origin, OwnEvents } from "../outbound/own-events.ts";
import type { MatrixLookup } from "../rooms/matrix-lookup.ts";
import type { OpenRoom } from "../rooms/rooms.ts";
import type { BridgeStore } from "../store/bridge-store.ts";
import { messageSeqIn } from "../store/events.ts";
import type { Arrivals } from "./content/arrivals.ts";
import type { InboundEdits } from "./content/edits.ts";
import type { InboundPolls } from "./content/polls.ts";
import type { InboundReactions } from "./content/reactions.ts";
import type { InboundRedactions } from "./content/redactions.ts";
import type { Failure, SendStatus } from "./content/send-status.ts";
import type { Undo } from "./content/undo.ts";
import type { InboundMembers } from "./members.ts";
import type { InboundState } from "./state.ts";

export interface Inbound {
  /**
   * Applies one event of the room, unless it was applied before.
   * @throws HomeserverError or a retryable DomainError when it has to be tried again
   */
  apply(room: OpenRoom, event: MatrixEvent): Promise<void>;
}

export interface InboundOptions {
  store: Pick<BridgeStore, "applied" | "mirroredEvent">;
  log: Pick<RoomLog, "event" | "append">;
  useCases: Pick<UseCases, "messages" | "attachments">;
  own: OwnEvents;
  reactions: Pick<InboundReactions, "add">;
  arrivals: Arrivals;
  polls: InboundPolls;
  edits: InboundEdits;
  redactions: InboundRedactions;
  state: InboundState;
  ghosts: Ghosts;
  lookup: MatrixLookup;
  members: InboundMembers;
  undo: Pick<Undo, "refused">;
  status: Pick<SendStatus, "failed">;
  counts: BridgeCounts;
  logger: Pick<Logger, "warn">;
}

const NOBODY: Failure = { reason: "m.no_permission", message: "This account is nobody in the chat" };

export function createInbound(options: InboundOptions): Inbound {
  const { store, log, ghosts, lookup, counts } = options;
  const { messages } = options.useCases;

  async function message(room: OpenRoom, event: MatrixEvent, actor: Actor, id: string): Promise<void> {
    const relation = relationOf(event.content);
    if (relation.replaces !== null) return await options.edits.apply(room, event, actor, relation.replaces);
    const begun = await options.arrivals.begin(room, event, actor);
    const file = begun.standing === "kept" ? begun.id : null;
    const said = (await options.polls.result(room, event)) ?? chatText(event, actor.name, begun.standing);
    if (said === null) return await store.applied(event.event_id);
    const { format, pills } = said;
    const whole = await wholeText(room, event, actor, said);
    const text = whole === null ? said.text : besideWhole(said.text);
    const files = [file, whole].filter((id) => id !== null);
    const mentions = chatMentions(event.content, ghosts, pills);
    const more = { ...(format && { format }), ...(mentions.length > 0 && { mentions }) };
    const related = {
      replyTo: await messageAt(room, relation.answers),
      thread: await messageAt(room, relation.thread),
    };
    const content = {
      id,
      text,
      ...more,
      ...kindOf(event, file !== null),
      ...(files.length > 0 && { attachments: files }),
    };
    const seq = await send(room, actor, content, related);
    await store.applied(event.event_id, {
      roomId: room.id,
      seq,
      op: "message",
      sender: event.sender,
      target: null,
      shown: shownHash(text),
      file,
      at: event.origin_server_ts,
    });
    await options.arrivals.stored(event, begun);
  }

  /** The id of a file with the whole text of a message that is too long for the chat; null without one. */
  async function wholeText(room: OpenRoom, event: MatrixEvent, actor: Actor, { whole }: ChatMessage) {
    if (whole === undefined) return null;
    try {
      const content = new Blob([whole]).stream();
      const file = { filename: WHOLE_TEXT, content, key: `${event.event_id} text`, room: room.id };
      return (await options.useCases.attachments.upload(actor, file)).id;
    } catch (error) {
      // The sender may have no room for files: then the text itself says where the rest is.
      if (!(error instanceof DomainError) || error.retry) throw error;
      return null;
    }
  }

  async function send(
    room: OpenRoom,
    actor: Actor,
    content: SendInput,
    related: Record<"replyTo" | "thread", number | null>,
  ): Promise<number> {
    const input = { ...content, fromMatrix: true as const };
    const { replyTo, thread } = related;
    try {
      const reply = { ...(replyTo !== null && { replyTo }), ...(thread !== null && { thread }) };
      return (await messages.send(actor, room.token, { ...input, ...reply })).seq;
    } catch (error) {
      const field = error instanceof DomainError ? error.field : undefined;
      if (field !== "replyTo" && field !== "thread") {
        const isRefused = error instanceof DomainError && !isOverloaded(error);
        const seq = isRefused ? await seqOfRepetition(room, actor, content) : null;
        if (seq === null) throw error;
        return seq;
      }
      // That message was deleted: send without the relation.
      return await send(room, actor, content, { ...related, [field]: null });
    }
  }

  /**
   * Where the log has a message that was sent before, and whose answer was lost: since then its author may have left. An
   * append without rights is refused as stale, or found to be a duplicate.
   */
  async function seqOfRepetition(
    room: OpenRoom,
    sender: Actor,
    { id, text }: SendInput,
  ): Promise<number | null> {
    const found = await log.append({ roomId: room.id, accessVersion: 0, sender, id, text });
    return found.status === "duplicate" ? found.seq : null;
  }

  /** The seq of the message that a Matrix event shows. One that shows an edit or a file of a message stands for the message. */
  async function messageAt(room: OpenRoom, eventId: string | null): Promise<number | null> {
    return messageSeqIn(room.id, eventId === null ? null : await store.mirroredEvent(eventId));
  }

  async function redaction(room: OpenRoom, event: MatrixEvent, actor: Actor): Promise<void> {
    await options.redactions.apply(room, event, actor);
    await store.applied(event.event_id);
  }

  async function stateChange(event: MatrixEvent, change: Promise<void>): Promise<void> {
    await change;
    await store.applied(event.event_id);
  }

  async function membership(room: OpenRoom, event: MatrixEvent, actor: Actor): Promise<void> {
    // Leaving a lost Matrix room, which was deleted, does not leave the chatroom.
    if (event.room_id === room.matrixRoomId) await options.members.apply(room, event, actor);
    await store.applied(event.event_id);
  }

  /** @param id the idempotency key of a message in the log */
  function applyByType(room: OpenRoom, event: MatrixEvent, actor: Actor, id: string): Promise<void> {
    switch (event.type) {
      case "m.room.message":
      case "m.sticker":
      case "m.poll.start":
      case "org.matrix.msc3381.poll.start":
      case "m.poll.end":
      case "org.matrix.msc3381.poll.end":
      case "m.room.encrypted":
      case "m.call.invite":
      case "m.beacon_info":
      case "org.matrix.msc3672.beacon_info":
        return message(room, event, actor, id);
      case "m.reaction":
        return options.reactions.add(room, event, actor);
      case "m.room.redaction":
        return redaction(room, event, actor);
      case "m.room.member":
        return membership(room, event, actor);
      default:
        return stateChange(event, options.state.apply(room, event, actor));
    }
  }

  /** The author is no member or no user in the (restored) database: the event stays in Matrix only. */
  async function leaveInMatrixOnly(room: OpenRoom, event: MatrixEvent, tells = false): Promise<void> {
    counts.unadopted++;
    options.logger.warn(
      {
        ...{ event: "bridge.event_unadopted", room: room.token, matrixEvent: event.event_id },
        ...{ type: event.type, sender: event.sender },
      },
      "an event in Matrix is by nobody who is in the room; it stays in Matrix alone",
    );
    if (tells && event.type === "m.room.message") await options.status.failed(room, event, NOBODY);
    await store.applied(event.event_id);
  }

  return {
    async apply(room, event) {
      if (await store.mirroredEvent(event.event_id)) return await store.applied(event.event_id);
      const origin = await options.own.origin(room, event);
      if (origin.from === "own") return await store.applied(event.event_id);
      if (origin.from === "lost") counts.adopted++;
      const actor = await lookup.actor(room, event.sender);
      try {
        // The user was deleted, or was made after the backup that the database was restored from.
        if (!actor) return await leaveInMatrixOnly(room, event, true);
        await applyByType(room, event, actor, messageIdOf(origin, event));
      } catch (error) {
        if (!(error instanceof DomainError) || isOverloaded(error)) throw error;
        if (origin.from === "lost") return await leaveInMatrixOnly(room, event);
        await options.arrivals.stored(event, { standing: "named" });
        await options.undo.refused(room, event, error);
        await store.applied(event.event_id);
      }
    },
  };
}

/** The idempotency key of a message. A message that the log lost keeps its own: its client may be sending it again. */
function messageIdOf(origin: Origin, event: MatrixEvent): string {
  return (origin.from === "lost" && origin.mark.id) || event.event_id;
}

/** Whether the same act can succeed in a moment. A closed lobby may stay closed for days, so that is a refusal. */
function isOverloaded({ code }: DomainError): boolean {
  return code === "busy" || code === "unavailable" || code === "rate_limited";
}
