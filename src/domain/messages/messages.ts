/** Sending messages, the hot path: permissions come from the cache, and the only statement is the append. */
import { type Access, noSuchRoom, refusal } from "../context/access.ts";
import type { Context } from "../context/context.ts";
import { badField, DomainError, isUnavailable } from "../errors.ts";
import { dataOf } from "../event-data.ts";
import { messageExtras } from "../message-rules.ts";
import { type Actor, type Attachment, type MemberKey, memberKey } from "../model.ts";
import { can } from "../permissions.ts";
import type { NewMessage } from "../ports/store/log.ts";
import type { Threads } from "../reading/threads.ts";
import type { UnreadCache } from "../reading/unread.ts";
import type { BringBack } from "../rooms/one-to-one.ts";
import {
  checkClientId,
  checkId,
  checkLongText,
  checkMentions,
  checkText,
  checkVisible,
} from "../text-rules.ts";
import type { Messages, SendInput, SendResult } from "../use-cases/sending.ts";
import { checkForward, type Forwarding, type Original } from "./forwarding.ts";
import { badFiles, checkFiles, filesToSend } from "./message-files.ts";

/** How often a send is checked again while membership or rules change. */
const MAX_JUDGEMENTS = 8;
/** In a room whose access version changes often, a cached permission is renewed after this time. */
const RENEW_AFTER_MS = 30_000;
/** No room has this version: an append under it stores nothing, but finds an earlier result. */
const NO_VERSION = 0;

/** What a message has beside what its sender says. */
interface Own {
  files?: Attachment[];
  /** The message that is sent on. */
  original?: Original;
}

export function createMessages(
  context: Context,
  unread: UnreadCache,
  bringBack: BringBack,
  threads: Pick<Threads, "rootOf">,
  forwarding: Forwarding,
): Pick<Messages, "send"> {
  const { store, accesses } = context;

  function send(actor: Actor, room: string, input: SendInput): Promise<SendResult> {
    return input.thread === undefined
      ? sendChecked(actor, room, input)
      : sendInThread(actor, room, input, input.thread);
  }

  async function sendInThread(
    actor: Actor,
    room: string,
    input: SendInput,
    thread: number,
  ): Promise<SendResult> {
    checkMessage(actor, input);
    const member = memberKey(actor);
    const access = accesses.cached(member, room) ?? (await accesses.read(member, room));
    if (!access || judge(access, input, context.now())) return await sendChecked(actor, room, input);
    const { roomId, membership } = access;
    const root = await threads.rootOf(roomId, thread, answersFrom(input, membership));
    const sent =
      root === null
        ? await firstResult(actor, room, input, access, badThread())
        : await sendChecked(actor, room, { ...input, thread: root });
    return { ...sent, ...(await threadOf(roomId, sent)) };
  }

  /** The thread that the message is in; of one that had been sent before it may be another than was asked for now. */
  async function threadOf(roomId: number, { seq, event }: SendResult): Promise<{ thread?: number }> {
    const sent = event ?? (await store.log.event(roomId, seq));
    const { thread } = sent ? dataOf<"message">(sent) : {};
    return thread === undefined ? {} : { thread };
  }

  function sendChecked(actor: Actor, room: string, input: SendInput): Promise<SendResult> {
    const { attachments, forward } = input;
    if (forward !== undefined) return sendForward(actor, room, input, forward);
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
      ? await append(actor, room, input, { files })
      : await firstResult(actor, room, input, null, badFiles());
  }

  async function sendForward(
    actor: Actor,
    room: string,
    input: SendInput,
    source: { room: string; seq: number },
  ): Promise<SendResult> {
    checkMessage(actor, input);
    const original = await forwarding.original(actor, source).catch(asRefusal);
    if (original instanceof DomainError) return await firstResult(actor, room, input, null, original);
    const sent =
      original.files.length === 0
        ? await append(actor, room, input, { original })
        : await sendFilesOn(actor, room, input, original);
    await forwarding.sent(original);
    return sent;
  }

  /** Files are shared only for a message that is new and allowed, and removed where it was not sent after all. */
  async function sendFilesOn(
    actor: Actor,
    room: string,
    input: SendInput,
    original: Original,
  ): Promise<SendResult> {
    const access = await accesses.read(memberKey(actor), room);
    const refused = judge(access, input, context.now());
    const first = await earlierResult(actor, room, input, access);
    if (first) return first;
    if (refused) throw refused;
    const files = await forwarding.share(actor, original);
    let isSent: boolean | null = false;
    try {
      const sent = await append(actor, room, input, { files, original });
      isSent = !sent.duplicate;
      return sent;
    } catch (error) {
      // The message may be stored all the same. Where it is not, the sweep removes the files.
      if (isUnavailable(error)) isSent = null;
      throw error;
    } finally {
      if (isSent === false) await forwarding.discard(files);
    }
  }

  async function append(actor: Actor, room: string, input: SendInput, own: Own = {}): Promise<SendResult> {
    checkMessage(actor, input);
    const member = memberKey(actor);
    let alone = false;
    for (let judgement = 1; judgement <= MAX_JUDGEMENTS; judgement++) {
      const known = judgement === 1 ? accesses.cached(member, room) : undefined;
      const access = known ?? (await accesses.read(member, room));
      if (known) renewOld(known, member, room);
      const refused = judge(access, input, context.now());
      if (refused) {
        if (known) continue;
        return await firstResult(actor, room, input, access, refused);
      }
      const { roomId, accessVersion, peerLeft } = access as Access;
      if (peerLeft && !alone) {
        alone = true;
        await bringBack(actor, room, roomId);
        continue;
      }
      const result = await store.log.append(newMessage({ roomId, accessVersion, sender: actor }, input, own));
      switch (result.status) {
        case "appended":
          count(actor, member, roomId, input);
          return { seq: result.seq, at: result.at, duplicate: false, event: result.event };
        case "duplicate":
          return { seq: result.seq, at: result.at, duplicate: true, event: null };
        case "bad_reply":
          throw badReply();
        case "stale":
        case "not_found":
          accesses.forget(member, room);
      }
    }
    throw new DomainError("busy", "The room's members change too quickly; send again", { retryAfterMs: 200 });
  }

  function renewOld(known: Access, member: MemberKey, room: string): void {
    if (context.now() - known.readAt <= RENEW_AFTER_MS) return;
    void context.bestEffort("Renewing what is known of a member", () => accesses.read(member, room));
  }

  /** The result of an earlier send with the same id, also when the sender may no longer send. */
  async function firstResult(
    sender: Actor,
    room: string,
    input: SendInput,
    access: Access | null,
    refused: DomainError,
  ): Promise<SendResult> {
    const first = await earlierResult(sender, room, input, access);
    if (!first) throw refused;
    return first;
  }

  async function earlierResult(
    sender: Actor,
    room: string,
    input: SendInput,
    access: Access | null,
  ): Promise<SendResult | null> {
    const roomId = access?.roomId ?? (await roomIdOf(room));
    if (roomId === undefined) return null;
    const result = await store.log.append(newMessage({ roomId, accessVersion: NO_VERSION, sender }, input));
    if (result.status !== "duplicate") return null;
    return { seq: result.seq, at: result.at, duplicate: true, event: null };
  }

  async function roomIdOf(room: string): Promise<number | undefined> {
    return room.includes("\0") ? undefined : (await store.rooms.byToken(room))?.id;
  }

  function count(actor: Actor, member: MemberKey, roomId: number, { mentions }: SendInput): void {
    unread.sent(member, roomId);
    if (mentions && mentions.length > 0) unread.mentioned(actor, roomId, mentions);
  }

  return { send };
}

function checkMessage({ kind }: Actor, input: SendInput): void {
  const { id, text, longText, replyTo, thread, mentions, attachments, forward, fromMatrix } = input;
  checkClientId(id, kind === "matrix" || fromMatrix === true);
  if (replyTo !== undefined) checkId("replyTo", replyTo);
  if (thread !== undefined) checkId("thread", thread);
  if (forward !== undefined) {
    checkForward(input, forward);
    return;
  }
  const hasFiles = attachments !== undefined && attachments.length > 0;
  if (longText) checkLongText("text", text);
  else if (text !== "" || !hasFiles) checkText("text", text);
  if (!hasFiles) checkVisible("text", text);
  if (attachments !== undefined) checkFiles(attachments);
  if (mentions !== undefined) checkMentions(mentions);
}

/** Picks the fields of a message: the input of a face may have more. */
function newMessage(
  to: Pick<NewMessage, "roomId" | "accessVersion" | "sender">,
  input: SendInput,
  { files = [], original }: Own = {},
): NewMessage {
  const { id, replyTo, thread, mentions } = input;
  const message: NewMessage = { ...to, id, text: original?.text ?? input.text };
  const extras = messageExtras(input);
  if (files.length > 0) message.attachments = files;
  if (extras !== undefined || original) message.extras = { ...original?.extras, ...extras };
  if (replyTo !== undefined) message.replyTo = replyTo;
  if (thread !== undefined) message.thread = thread;
  if (mentions !== undefined) message.mentions = mentions;
  return message;
}

function asRefusal(error: unknown): DomainError {
  if (error instanceof DomainError && !isUnavailable(error)) return error;
  throw error;
}

function judge(access: Access | null, input: SendInput, now: number): DomainError | null {
  if (!access) return noSuchRoom();
  const verdict = can(access.membership, access.rules, "send", now);
  if (verdict !== null) return refusal(verdict, "send", access.rules);
  const { replyTo } = input;
  return replyTo !== undefined && replyTo <= answersFrom(input, access.membership) ? badReply() : null;
}

/** The message answers only what comes after this seq. */
function answersFrom(
  { fromMatrix }: SendInput,
  { historyFrom }: Pick<Access["membership"], "historyFrom">,
): number {
  return fromMatrix ? 0 : historyFrom;
}

function badThread(): DomainError {
  return badField("thread", "must be the seq of a message in this room that has answers or was not deleted");
}

function badReply(): DomainError {
  return badField("replyTo", "must be the seq of a message in this room that was not deleted");
}
