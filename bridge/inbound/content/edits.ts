/** Applies edits that people made in Matrix. Of two edits of a message the newer counts, also when it came first. */
import { dataOf } from "../../../src/domain/event-data.ts";
import type { Actor } from "../../../src/domain/model.ts";
import type { RoomLog } from "../../../src/domain/ports/store/log.ts";
import type { EditInput } from "../../../src/domain/use-cases/sending.ts";
import type { UseCases } from "../../../src/domain/use-cases/use-cases.ts";
import type { Ghosts } from "../../mapping/ghosts.ts";
import { type MatrixEvent, newContentOf } from "../../mapping/matrix-events.ts";
import { type Edit, isNewerThan, newestOf, standingEdits } from "../../mapping/replacements.ts";
import { chatMentions, chatText, shownHash } from "../../mapping/translate.ts";
import type { SupersededEdits } from "../../outbound/superseded-edits.ts";
import type { OpenRoom } from "../../rooms/rooms.ts";
import type { BridgeStore } from "../../store/bridge-store.ts";
import type { MirroredEvent } from "../../store/events.ts";

export interface InboundEdits {
  /** Applies an edit of the event `replaces`. @throws DomainError when the use case refuses */
  apply(room: OpenRoom, event: MatrixEvent, actor: Actor, replaces: string): Promise<void>;
}

export interface InboundEditsOptions {
  store: Pick<BridgeStore, "applied" | "mirroredEvent" | "mirroredParts" | "putShown" | "arriving">;
  log: Pick<RoomLog, "event">;
  messages: Pick<UseCases["messages"], "edit">;
  superseded: SupersededEdits;
  ghosts: Ghosts;
}

export function createInboundEdits(options: InboundEditsOptions): InboundEdits {
  const { store, log, messages, superseded, ghosts } = options;

  /** The edit that shows now, when it is newer than the event. Null stands for one that the event replaces, or none. */
  async function newerThan(
    event: MatrixEvent,
    room: OpenRoom,
    { original, current, text }: Standing,
  ): Promise<Edit | null> {
    // A worker that ended had begun to take this very edit (see `take`): its text counts as shown, and the log does not have it.
    const isBegun = original.shown === shownHash(text);
    // The chat's last edit is not in Matrix yet: the log has its time.
    const isAhead =
      current !== null && original.shown !== null && !isBegun && shownHash(current.text) !== original.shown;
    const unsent = isAhead && current.edited !== undefined ? [{ eventId: null, at: current.edited }] : [];
    const parts = await store.mirroredParts(room.id, original.seq);
    return newestOf<Edit>([...unsent, ...standingEdits(parts)].filter((edit) => isNewer(edit, event)));
  }

  async function take(room: OpenRoom, original: MirroredEvent, actor: Actor, edit: EditInput): Promise<void> {
    const { seq } = original;
    // Before the edit is in the log: what came from Matrix is not to be sent back.
    await store.putShown(room.id, seq, shownHash(edit.text));
    try {
      await messages.edit(actor, room.token, seq, edit);
    } catch (error) {
      if (original.shown !== null) await store.putShown(room.id, seq, original.shown);
      throw error;
    }
  }

  return {
    async apply(room, event, actor, replaces) {
      const original = await store.mirroredEvent(replaces);
      const content = newContentOf(event);
      const hasFile = original?.file != null || (await store.arriving(replaces)) !== null;
      const said = content && chatText({ type: event.type, content }, actor.name, hasFile ? "kept" : "named");
      // Homeservers let anybody send an edit of any event; only the author's own counts.
      if (original?.op !== "message" || original.sender !== event.sender || !said) {
        return await store.applied(event.event_id);
      }
      const { roomId, seq, sender } = original;
      const { text, format = null, pills } = said;
      const current = await messageNow(log, room, seq);
      const newer = await newerThan(event, room, { original, current, text });
      if (!newer) {
        const mentions = mentionedIn(content, pills, ghosts);
        await take(room, original, actor, { text, format, ...(mentions && { mentions }) });
      }
      const edited = { roomId, seq, op: "matrix_edit", sender, target: seq, shown: shownHash(text) } as const;
      await store.applied(event.event_id, { ...edited, file: null, at: event.origin_server_ts });
      // One of the chat that is not in Matrix yet takes this one back when it is sent.
      if (newer?.eventId !== null) await superseded.redact(room, seq, newer?.eventId ?? event.event_id);
    },
  };
}

/** A message, what it says in the chat, and what an edit makes of it. */
interface Standing {
  original: MirroredEvent;
  current: MessageNow | null;
  text: string;
}

function isNewer(edit: Edit, { event_id: eventId, origin_server_ts: at }: MatrixEvent): boolean {
  return isNewerThan(edit, { eventId, at });
}

/** Mentions in an edit's new content; undefined where the sender's client writes none: then those of before stay. */
export function mentionedIn(
  content: MatrixEvent["content"],
  pills: readonly string[],
  ghosts: Ghosts,
): string[] | undefined {
  const writesNone = content["m.mentions"] === undefined && pills.length === 0;
  return writesNone ? undefined : chatMentions(content, ghosts, pills);
}

interface MessageNow {
  text: string;
  /** When it was last edited, ms. */
  edited?: number;
}

/** What a message says now, or null when it was deleted. */
export async function messageNow(
  log: Pick<RoomLog, "event">,
  room: Pick<OpenRoom, "id">,
  seq: number,
): Promise<MessageNow | null> {
  const event = await log.event(room.id, seq);
  if (event?.type !== "message") return null;
  const { text, edited, deleted } = dataOf<"message">(event);
  return deleted ? null : { text, ...(edited !== undefined && { edited }) };
}
