/** Sending, editing and deleting messages. `send` is the hot path: judged from memory, one append, no query beside. */
import { type Access, noSuchRoom, refusal } from "./access.ts";
import type { Context } from "./context.ts";
import { deleteMessage } from "./deletion.ts";
import { badField, DomainError } from "./errors.ts";
import { badFiles, checkFiles, filesToSend, replaceFiles } from "./message-files.ts";
import {
  type Actor,
  type Attachment,
  type EventData,
  type LoggedEvent,
  type MemberKey,
  memberKey,
  shownAttachment,
} from "./model.ts";
import type { BringBack } from "./one-to-one.ts";
import { type Action, can } from "./permissions.ts";
import type { NewMessage, StoreTransaction } from "./ports/store.ts";
import { changeRoom } from "./rooms.ts";
import {
  checkClientId,
  checkId,
  checkLongText,
  checkText,
  checkVisible,
  checkWellFormed,
  LIMITS,
} from "./text-rules.ts";
import type { UnreadCache } from "./unread.ts";
import type { Messages, SendInput, SendResult } from "./use-cases.ts";

/** How often a send is judged anew while membership or rules keep changing. */
const MAX_JUDGEMENTS = 8;
/** In a room that people keep joining, what is remembered is renewed so often; until then each send costs a bit more. */
const RENEW_AFTER_MS = 30_000;
/** No room is ever at this version: an append under it stores nothing, and finds what was stored before. */
const NO_VERSION = 0;

export function createMessages(
  context: Context,
  unread: UnreadCache,
  bringBack: BringBack,
): Pick<Messages, "send" | "edit" | "remove"> {
  const { store, accesses } = context;

  function send(actor: Actor, room: string, input: SendInput): Promise<SendResult> {
    const { attachments } = input;
    return attachments !== undefined && attachments.length > 0
      ? sendFiles(actor, room, input, attachments)
      : append(actor, room, input);
  }

  async function sendFiles(
    actor: Actor,
    room: string,
    input: SendInput,
    attachments: readonly string[],
  ): Promise<SendResult> {
    checkMessage(actor, input);
    const files = await filesToSend(store, actor, attachments);
    return files
      ? await append(actor, room, input, files)
      : await firstResult(actor, room, input, null, badFiles());
  }

  async function append(
    actor: Actor,
    room: string,
    input: SendInput,
    files?: Attachment[],
  ): Promise<SendResult> {
    checkMessage(actor, input);
    const member = memberKey(actor);
    let alone = false;
    for (let judgement = 1; judgement <= MAX_JUDGEMENTS; judgement++) {
      const known = judgement === 1 ? accesses.cached(member, room) : undefined;
      const access = known ?? (await accesses.read(member, room));
      if (known && context.now() - known.readAt > RENEW_AFTER_MS) {
        void context.bestEffort("Renewing what is known of a member", () => accesses.read(member, room));
      }
      const refused = judge(access, input, context.now());
      if (refused) {
        if (known) continue;
        return await firstResult(actor, room, input, access, refused);
      }
      const { conversationId, accessVersion, peerLeft } = access as Access;
      if (peerLeft && !alone) {
        alone = true;
        await bringBack(actor, room, conversationId);
        continue;
      }
      const result = await store.log.append(newMessage(conversationId, accessVersion, actor, input, files));
      switch (result.status) {
        case "appended":
          count(actor, member, conversationId, input);
          return { seq: result.seq, at: result.at, duplicate: false };
        case "duplicate":
          return { seq: result.seq, at: result.at, duplicate: true };
        case "bad_reply":
          throw badReply();
        case "stale":
        case "not_found":
          accesses.forget(member, room);
      }
    }
    throw new DomainError("busy", "The room's members change too quickly; send again", { retryAfterMs: 200 });
  }

  /** What was sent before is answered as it was, also after the sender left or lost the right to send. */
  async function firstResult(
    sender: Actor,
    room: string,
    input: SendInput,
    access: Access | null,
    refused: DomainError,
  ): Promise<SendResult> {
    const conversationId = access?.conversationId ?? (await conversationIdOf(room));
    if (conversationId === undefined) throw refused;
    const result = await store.log.append(newMessage(conversationId, NO_VERSION, sender, input));
    if (result.status !== "duplicate") throw refused;
    return { seq: result.seq, at: result.at, duplicate: true };
  }

  async function conversationIdOf(room: string): Promise<number | undefined> {
    return room.includes("\0") ? undefined : (await store.rooms.byToken(room))?.id;
  }

  function count(actor: Actor, member: MemberKey, conversationId: number, { mentions }: SendInput): void {
    unread.sent(member, conversationId);
    if (mentions && mentions.length > 0) unread.mentioned(actor, conversationId, mentions);
  }

  return {
    send,
    async edit(actor, room, seq, text, attachments) {
      checkText("text", text);
      if (attachments) checkFiles(attachments);
      const message = await messageOf(context, actor, room, seq);
      if (memberKey(message.actor) !== memberKey(actor)) {
        throw new DomainError("forbidden", "Only its author edits a message");
      }
      const { conversationId } = message;
      const shown = attachments ?? (JSON.parse(message.dataJson) as EventData["message"]).attachments ?? [];
      if (shown.length === 0) checkVisible("text", text);
      await rewrite(actor, message, "edit_own", async (tx) => {
        if (!(await tx.rewriteMessage(conversationId, seq, { text, edited: context.now() }))) {
          throw badField("seq", "names a message that was deleted");
        }
        const files = attachments && (await replaceFiles(tx, actor, { conversationId, seq }, attachments));
        const data = { seq, text, ...(files && { attachments: files.map(shownAttachment) }) };
        await tx.appendEvents(conversationId, [{ type: "message.edited", actor, data }]);
      });
    },
    async remove(actor, room, seq) {
      const message = await messageOf(context, actor, room, seq);
      const action = memberKey(message.actor) === memberKey(actor) ? "delete_own" : "delete_any";
      await rewrite(actor, message, action, (tx) => deleteMessage(tx, actor, message));
    },
  };

  function rewrite(
    actor: Actor,
    message: LoggedEvent,
    action: Action,
    work: (tx: StoreTransaction) => Promise<unknown>,
  ): Promise<void> {
    return changeRoom(context, actor, message.conversationId, action, async (tx) => void (await work(tx)));
  }
}

function checkMessage({ kind }: Actor, input: SendInput): void {
  const { id, text, longText, replyTo, mentions, attachments, fromMatrix } = input;
  checkClientId(id, kind === "matrix" || fromMatrix === true);
  if (longText) checkLongText("text", text);
  else checkText("text", text);
  if (attachments === undefined || attachments.length === 0) checkVisible("text", text);
  if (replyTo !== undefined) checkId("replyTo", replyTo);
  if (attachments !== undefined) checkFiles(attachments);
  if (mentions === undefined) return;
  if (mentions.length > LIMITS.mentions) throw badField("mentions", "must name at most 100 members");
  for (const mention of mentions) {
    if (mention.length === 0 || mention.length > LIMITS.mentionCharacters) {
      throw badField("mentions", 'must be member ids of 1 to 255 characters, or "all"');
    }
    checkWellFormed("mentions", mention);
  }
}

/** Only what a message has: faces may hand over more than they should. */
function newMessage(
  conversationId: number,
  accessVersion: number,
  sender: Actor,
  { id, text, replyTo, mentions }: SendInput,
  files?: Attachment[],
): NewMessage {
  const message: NewMessage = { conversationId, accessVersion, sender, id, text };
  if (files !== undefined) message.attachments = files;
  if (replyTo !== undefined) message.replyTo = replyTo;
  if (mentions !== undefined) message.mentions = mentions;
  return message;
}

function judge(access: Access | null, { replyTo }: SendInput, now: number): DomainError | null {
  if (!access) return noSuchRoom();
  const verdict = can(access.membership, access.rules, "send", now);
  if (verdict !== null) return refusal(verdict, "send", access.rules);
  return replyTo !== undefined && replyTo <= access.membership.historyFrom ? badReply() : null;
}

function badReply(): DomainError {
  return badField("replyTo", "must be the seq of a message in this room that was not deleted");
}

/** A message that the actor may see. @throws DomainError `not_found` on `seq`; `bad_request` when it is no message */
async function messageOf(
  { accesses, store }: Context,
  actor: Actor,
  room: string,
  seq: number,
): Promise<LoggedEvent> {
  checkId("seq", seq);
  const { conversationId, membership } = await accesses.member(actor, room);
  const message = seq > membership.historyFrom ? await store.log.event(conversationId, seq) : null;
  if (!message) throw new DomainError("not_found", "seq names no event of this room", { field: "seq" });
  if (message.type !== "message") throw badField("seq", "must name a message");
  return message;
}
