/**
 * The append path. Messages of many rooms and senders that arrive while a commit is under way go as one statement and one
 * commit. The rules are in the database function `causeway_append` (schema/functions/messages/causeway_append.sql), which
 * `causeway_send` calls. This file has the batches, the bounded queue, the repetition after a lost connection, and
 * publishing.
 */
import { badField } from "../../domain/errors.ts";
import {
  type EventData,
  type LoggedEvent,
  type MemberKey,
  memberKey,
  shownAttachment,
} from "../../domain/model.ts";
import type { AppendResult, NewMessage } from "../../domain/ports/store/log.ts";
import { createBatches } from "../sql/batches.ts";
import type { Database } from "../sql/database.ts";
import { asDomainError, isAway, isCrossed, repeated } from "../sql/failures.ts";
import { type EventRow, loggedEvent } from "../sql/rows.ts";
import { KEY_SEPARATOR, mentionKeys } from "./mentions.ts";
import type { Publisher } from "./publisher.ts";

export interface AppenderOptions {
  /** Batches under way at once. A room is always in the same lane, so a sender's messages keep their order. */
  lanes: number;
  maxQueued: number;
  /** A batch whose outcome is unknown is tried again for so long. */
  repeatMs: number;
}

export interface Appender {
  append(message: NewMessage): Promise<AppendResult>;
  stats(): {
    queued: number;
    inFlight: number;
    batches: number;
    appended: number;
    duplicates: number;
    last: number;
  };
  drain(): Promise<void>;
}

/** A message, and its values for the statement. */
interface Draft {
  message: NewMessage;
  member: MemberKey;
  data: string;
  mentions: string | null;
  attachments: string | null;
  thread: number | null;
}

interface AppendRow {
  ord: number;
  status: AppendResult["status"];
  seq: number;
  at: number;
  room: string;
}

const MAX_BATCH_MESSAGES = 512;
const MAX_BATCH_BYTES = 1 << 20;
/** A message's fields beside its text have about so many bytes. */
const DRAFT_OVERHEAD_BYTES = 200;

export function createAppender(db: Database, publisher: Publisher, options: AppenderOptions): Appender {
  const figures = { batches: 0, appended: 0, duplicates: 0, last: 0 };
  const batches = createBatches<Draft, AppendResult>({
    lanes: options.lanes,
    laneOf: ({ message }) => message.roomId,
    sizeOf: ({ data }) => data.length + DRAFT_OVERHEAD_BYTES,
    maxInputs: MAX_BATCH_MESSAGES,
    maxBytes: MAX_BATCH_BYTES,
    maxQueued: options.maxQueued,
    commit,
  });

  async function commit(drafts: Draft[]): Promise<(AppendResult | Error)[]> {
    let repeat = false;
    try {
      const rows = await repeated(options.repeatMs, (attempt) => {
        repeat = attempt > 0;
        return db.urgent(appendStatement(db, drafts));
      });
      const results = resultsOf(drafts, rows);
      publishBatch(drafts, rows, results, repeat);
      return results;
    } catch (error) {
      if (isAway(error) || isCrossed(error)) throw asDomainError(error);
      // The database refuses one of the messages. Halving the batch finds it, and commits the others.
      if (drafts.length === 1) return [asDomainError(error) as Error];
      const half = drafts.length >> 1;
      return [...(await commit(drafts.slice(0, half))), ...(await commit(drafts.slice(half)))];
    }
  }

  function publishBatch(drafts: Draft[], rows: AppendRow[], results: AppendResult[], repeat: boolean): void {
    const appended: LoggedEvent[] = [];
    for (const result of results) if (result.status === "appended") appended.push(result.event);
    const duplicates = rows.filter(({ status }) => status === "duplicate");
    figures.batches++;
    figures.last = drafts.length;
    figures.appended += appended.length;
    figures.duplicates += duplicates.length;
    publisher.publish(appended);
    if (!repeat || duplicates.length === 0) return;
    // The lost attempt may have stored these, and did not publish them. They are read back from the log, because a
    // duplicate may also be an older message with another text.
    const keys = duplicates.map(({ ord, seq }) => ({ room: drafts[ord - 1]?.message.roomId, seq }));
    readBack(db, keys).then(
      (events) => publisher.publish(events),
      () => {}, // The database is away again: gateways compare heads with the store and fill the gap.
    );
  }

  return {
    append(message) {
      try {
        return batches.add(draft(message));
      } catch (error) {
        return Promise.reject(error);
      }
    },
    stats: () => ({ ...figures, queued: batches.queued, inFlight: batches.inFlight }),
    drain: () => batches.drain(),
  };
}

function appendStatement(db: Database, drafts: Draft[]) {
  const rooms = drafts.map(({ message }) => message.roomId);
  const versions = drafts.map(({ message }) => message.accessVersion);
  const members = drafts.map(({ member }) => member);
  const names = drafts.map(({ message }) => message.sender.name);
  const ids = drafts.map(({ message }) => message.id);
  const replies = drafts.map(({ message }) => message.replyTo ?? null);
  const data = drafts.map((draft) => draft.data);
  const mentions = drafts.map((draft) => draft.mentions);
  const attachments = drafts.map((draft) => draft.attachments);
  const threads = drafts.some(({ thread }) => thread !== null) ? drafts.map(({ thread }) => thread) : null;
  return db.sql<AppendRow[]>`
    select ord, status, seq, at, room
    from causeway_send(${rooms}::bigint[], ${versions}::bigint[], ${members}::text[], ${names}::text[],
      ${ids}::text[], ${replies}::bigint[], ${data}::text[], ${mentions}::text[], ${attachments}::text[], ${threads}::bigint[])`;
}

function resultsOf(drafts: Draft[], rows: AppendRow[]): AppendResult[] {
  const byOrder: AppendResult[] = new Array(rows.length);
  for (const row of rows) byOrder[row.ord - 1] = resultOf(drafts[row.ord - 1] as Draft, row);
  return byOrder;
}

function resultOf(draft: Draft, row: AppendRow): AppendResult {
  const { status, seq, at } = row;
  if (status === "appended") return { status, seq, at, event: committedEvent(draft, row) };
  return status === "duplicate" ? { status, seq, at } : { status };
}

function committedEvent({ message, data }: Draft, { seq, at, room }: AppendRow): LoggedEvent {
  const { roomId, sender: actor, id } = message;
  return { roomId, room, seq, type: "message", id, actor, at, dataJson: data };
}

/** @throws DomainError `bad_request` for text that PostgreSQL can't hold: it would fail the whole batch */
function draft(message: NewMessage): Draft {
  const { sender, id, text, replyTo, mentions, attachments = [], thread = null, extras } = message;
  const member = memberKey(sender);
  if (id.includes("\0")) throw badField("id", "must not contain NUL");
  if (member.includes("\0") || sender.name.includes("\0")) throw badField("sender", "must not contain NUL");
  const content: EventData["message"] = { text };
  if (replyTo !== undefined) content.replyTo = replyTo;
  if (mentions !== undefined && mentions.length > 0) content.mentions = mentions;
  if (attachments.length > 0) content.attachments = attachments.map(shownAttachment);
  if (thread !== null) content.thread = thread;
  if (extras !== undefined) Object.assign(content, extras);
  const data = JSON.stringify(content);
  const keys = mentionKeys(mentions ?? []);
  const files = attachments.map((file) => file.id);
  return { message, member, data, mentions: listText(keys), attachments: listText(files), thread };
}

function listText(list: readonly string[]): string | null {
  return list.length === 0 ? null : list.join(KEY_SEPARATOR);
}

async function readBack(
  db: Database,
  keys: { room: number | undefined; seq: number }[],
): Promise<LoggedEvent[]> {
  const rooms = keys.map(({ room }) => room ?? null);
  const seqs = keys.map(({ seq }) => seq);
  const rows = await db.read(db.sql<EventRow[]>`
    select e.conversation_id, h.token as room, e.seq, e.type, e.client_id, e.actor, e.actor_name, e.at, e.data
    from unnest(${rooms}::bigint[], ${seqs}::bigint[]) as k (room, seq)
    join events e on e.conversation_id = k.room and e.seq = k.seq
    join room_heads h on h.conversation_id = e.conversation_id`);
  return rows.map(loggedEvent);
}
