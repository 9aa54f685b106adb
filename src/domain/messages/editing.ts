/** Editing and deleting messages. The old text is removed everywhere, and unread mentions are counted again. */
import type { Context } from "../context/context.ts";
import { badField, DomainError } from "../errors.ts";
import { dataOf } from "../event-data.ts";
import {
  type Actor,
  type EditData,
  type EventData,
  type LoggedEvent,
  type MadeEvent,
  memberKey,
  shownAttachment,
} from "../model.ts";
import type { Action } from "../permissions.ts";
import type { StoreTransaction } from "../ports/store/transaction.ts";
import type { Recount } from "../reading/recount.ts";
import { changeRoom, isSystem } from "../rooms/rooms.ts";
import { checkId, checkMentions, checkText, checkVisible } from "../text-rules.ts";
import type { EditInput, Messages } from "../use-cases/sending.ts";
import { deleteMessage } from "./deletion.ts";
import { leftMentioned } from "./mentioning.ts";
import { checkFiles, replaceFiles } from "./message-files.ts";

export function createEditing(context: Context, recount: Recount): Pick<Messages, "edit" | "remove"> {
  function change<T>(
    actor: Actor,
    message: LoggedEvent,
    action: Action,
    work: (tx: StoreTransaction) => Promise<T>,
  ): Promise<T> {
    return changeRoom(context, actor, message.roomId, action, work);
  }

  /**
   * @param left whom of those whom the message mentioned it mentions still, unless the edit says it
   * @returns the event, with whom the message mentioned and mentions now; null when the message says all of it already
   */
  async function rewrite(
    tx: StoreTransaction,
    actor: Actor,
    { roomId, seq, actor: author }: LoggedEvent,
    { text, attachments, mentions, format }: EditInput,
    left: ReadonlySet<string>,
  ): Promise<Edited | null> {
    const current = await tx.messages.message({ roomId, seq });
    if (!current) throw new DomainError("conflict", "seq names a message that was deleted", { field: "seq" });
    const said = dataOf<"message">(current);
    const { mentions: before = [], attachments: sent = [] } = said;
    const after = mentions ?? before.filter((id) => left.has(id));
    const edit = { text, mentions: after, format: (format === undefined ? said.format : format) ?? null };
    if (saysAlready(said, { ...edit, ...(attachments && { attachments }) })) return null;
    await tx.rewriteMessage(roomId, seq, { ...edit, edited: context.now() });
    const files = attachments && (await replaceFiles(tx, actor, { roomId, seq }, attachments));
    const shown = files ? files.map(shownAttachment) : sent;
    const formatted = edit.format && { format: edit.format };
    const data: EditData = { seq, text, mentions: [...after], attachments: shown, ...formatted };
    const edited = { type: "message.edited" as const, actor: isSystem(actor) ? author : actor, data };
    const [event = null] = await tx.appendEvents(roomId, [edited]);
    return { event, before, after };
  }

  return {
    async edit(actor, room, seq, input) {
      if (input.text !== "") checkText("text", input.text);
      if (input.attachments) checkFiles(input.attachments);
      if (input.mentions) checkMentions(input.mentions);
      const message = await messageOf(context, actor, room, seq);
      if (memberKey(message.actor) !== memberKey(actor) && !isSystem(actor)) {
        throw new DomainError("forbidden", "Only its author edits a message");
      }
      const { text, mentions = [], attachments = [], forwarded } = dataOf<"message">(message);
      // [GW-5.13] Its words are another's.
      if (forwarded) throw new DomainError("forbidden", "A forwarded message can't be edited");
      if ((input.attachments ?? attachments).length === 0) {
        checkText("text", input.text);
        checkVisible("text", input.text);
      }
      const texts = { before: text, after: input.text };
      const left = await leftMentioned(context, message.roomId, mentions, texts);
      const edited = await change(actor, message, "edit_own", (tx) =>
        rewrite(tx, actor, message, input, left),
      );
      if (!edited) return null;
      await recount.edited(message, [
        ...edited.before.filter((id) => !edited.after.includes(id)),
        ...edited.after.filter((id) => !edited.before.includes(id)),
      ]);
      return edited.event;
    },
    async remove(actor, room, seq) {
      const message = await messageOf(context, actor, room, seq);
      const action = memberKey(message.actor) === memberKey(actor) ? "delete_own" : "delete_any";
      const deleted = await change(actor, message, action, (tx) => deleteMessage(tx, actor, message));
      if (!deleted) return null;
      await recount.deleted([{ ...message, mentions: deleted.mentions }]);
      return deleted.event;
    },
  };
}

interface Edited {
  event: MadeEvent;
  before: readonly string[];
  after: readonly string[];
}

/** Whether an edit would leave the message as it is. Files that the edit does not name stay. */
function saysAlready(
  { text, mentions = [], attachments = [], format }: EventData["message"],
  edit: EditInput & { mentions: readonly string[]; format: "markdown" | null },
): boolean {
  const files = attachments.map(({ id }) => id);
  return (
    text === edit.text &&
    (format ?? null) === edit.format &&
    isSame(mentions, edit.mentions) &&
    (edit.attachments ?? files).join() === files.join()
  );
}

/** A message that the actor may see. @throws DomainError `not_found` on `seq`; `bad_request` when it is no message */
async function messageOf(
  { accesses, store }: Context,
  actor: Actor,
  room: string,
  seq: number,
): Promise<LoggedEvent> {
  checkId("seq", seq);
  const { roomId, historyFrom } = isSystem(actor)
    ? { roomId: (await store.rooms.byToken(room))?.id ?? 0, historyFrom: 0 }
    : await accesses
        .member(actor, room)
        .then(({ roomId, membership }) => ({ roomId, historyFrom: membership.historyFrom }));
  const message = seq > historyFrom ? await store.log.event(roomId, seq) : null;
  if (!message) throw new DomainError("not_found", "seq names no event of this room", { field: "seq" });
  if (message.type !== "message") throw badField("seq", "must name a message");
  return message;
}

/** Whether two lists have the same ids, in any order. */
function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.every((id) => b.includes(id)) && b.every((id) => a.includes(id));
}
