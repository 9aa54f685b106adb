/**
 * Takes back edits that were redacted in Matrix. The chat keeps no text of before, and the bridge redacts edits that a later one
 * replaced: what comes back is what Matrix shows then, which is most often the text as it was first sent.
 */
import { DomainError } from "../../../src/domain/errors.ts";
import type { Actor } from "../../../src/domain/model.ts";
import type { RoomLog } from "../../../src/domain/ports/store/log.ts";
import type { EditInput } from "../../../src/domain/use-cases/sending.ts";
import type { UseCases } from "../../../src/domain/use-cases/use-cases.ts";
import type { Ghosts } from "../../mapping/ghosts.ts";
import { markOf } from "../../mapping/marks.ts";
import { type MatrixEvent, newContentOf, readEvent } from "../../mapping/matrix-events.ts";
import { newestOf, standingEdits } from "../../mapping/replacements.ts";
import { chatText, shownHash } from "../../mapping/translate.ts";
import type { EventLookup } from "../../rooms/event-lookup.ts";
import type { OpenRoom } from "../../rooms/rooms.ts";
import type { BridgeStore } from "../../store/bridge-store.ts";
import type { MirroredEvent } from "../../store/events.ts";
import { mentionedIn, messageNow } from "./edits.ts";
import type { IsModerator } from "./moderators.ts";

export interface TakenBackEdits {
  /** Gives the message its text back. Nothing changes where the edit shows no more. @throws HomeserverError */
  apply(room: OpenRoom, edit: MirroredEvent, redaction: MatrixEvent, actor: Actor): Promise<void>;
}

export interface TakenBackEditsOptions {
  store: Pick<BridgeStore, "mirroredMessage" | "mirroredParts" | "putShown" | "putRedacted">;
  log: Pick<RoomLog, "event">;
  messages: Pick<UseCases["messages"], "edit">;
  events: Pick<EventLookup, "get">;
  isModerator: IsModerator;
  ghosts: Ghosts;
}

export function createTakenBackEdits(options: TakenBackEditsOptions): TakenBackEdits {
  const { store, log, messages, events, isModerator, ghosts } = options;

  /** What Matrix shows of the message without this edit; null where it shows nothing that the chat has. */
  async function withoutIt(room: OpenRoom, message: MirroredEvent, edit: MirroredEvent, author: Actor) {
    const others = standingEdits(await store.mirroredParts(room.id, message.seq)).filter(
      ({ eventId }) => eventId !== edit.eventId,
    );
    const { eventId } = newestOf(others) ?? message;
    const event = readEvent({ ...(await events.get(room, eventId)), room_id: room.matrixRoomId });
    return event && sayingOf(event, message, author, ghosts);
  }

  return {
    async apply(room, edit, redaction, actor) {
      const message = await store.mirroredMessage(room.id, edit.target ?? edit.seq);
      if (edit.redacted || !message || message.redacted) return;
      const now = await messageNow(log, room, message.seq);
      const isShown = now !== null && shownHash(now.text) === edit.shown;
      const isAllowed = redaction.sender === edit.sender || (await isModerator(room, actor));
      const author = (await log.event(room.id, message.seq))?.actor;
      if (isShown && isAllowed && author) {
        const said = await withoutIt(room, message, edit, author);
        if (said) await giveBack(room, message, author, said);
      }
      await store.putRedacted(edit.eventId);
    },
  };

  async function giveBack(room: OpenRoom, message: MirroredEvent, author: Actor, said: EditInput) {
    // Before the edit is in the log: Matrix shows it, and it is not to be sent there.
    await store.putShown(room.id, message.seq, shownHash(said.text));
    try {
      await messages.edit(author, room.token, message.seq, said);
    } catch (error) {
      if (!(error instanceof DomainError) || error.retry) throw error;
      // Its author may not write any more: the chat keeps what it shows.
      if (message.shown !== null) await store.putShown(room.id, message.seq, message.shown);
    }
  }
}

function sayingOf(
  event: MatrixEvent,
  message: MirroredEvent,
  author: Actor,
  ghosts: Ghosts,
): EditInput | null {
  const content = newContentOf(event) ?? event.content;
  const isFile = message.file !== null;
  const said = chatText({ type: event.type, content }, author.name, isFile ? "kept" : "named");
  if (!said) return null;
  // The bot names the author for whom it speaks, and a file of the chat without a caption has its name as its text.
  const prefix = message.sender === ghosts.bot ? `${author.name}: ` : "";
  const text = said.text.startsWith(prefix) ? said.text.slice(prefix.length) : said.text;
  const isBare = isFile && markOf(event.content) !== null && content.body === content.filename;
  const mentions = mentionedIn(content, said.pills, ghosts);
  return { text: isBare ? "" : text, format: said.format ?? null, ...(mentions && { mentions }) };
}
