/**
 * Attachments: stored at the upload, part of a message once it is sent, and deleted with it. The store has their metadata,
 * a port has their bytes. A file is announced only after its bytes are stored durably.
 */
import { refusal } from "../context/access.ts";
import type { Context } from "../context/context.ts";
import { KeyReused } from "../context/repeats.ts";
import { cursorQuery, cut } from "../cursors.ts";
import { badField, DomainError } from "../errors.ts";
import { dataOf } from "../event-data.ts";
import { derivedPublicId, isPublicId, type MessagePlace, newPublicId } from "../ids.ts";
import { type Actor, type EditData, memberKey, type ShownAttachment } from "../model.ts";
import { can } from "../permissions.ts";
import type { AttachmentFiles, ByteRange } from "../ports/attachments.ts";
import type { NewFile, StoredAttachment, UnwantedFile, Visible } from "../ports/store/messages.ts";
import type { StoreTransaction } from "../ports/store/transaction.ts";
import type { Attachments, AttachmentView } from "../use-cases/files.ts";
import { noteAttachments } from "./attachment-notes.ts";
import {
  checkFilename,
  excess,
  fileBounds,
  keptFiles,
  MAX_ATTACHMENT_BYTES,
  noSuchFile,
  typeOf,
  viewOf,
} from "./file-rules.ts";

const KEEP_WAITING_MS = 24 * 3_600_000;
const SWEEP_STEP = 100;

export function createAttachments(context: Context, files: AttachmentFiles | null): Attachments {
  const { store, now } = context;

  const kept = () => keptFiles(files);

  /** A file that the actor may see, and the room where it was sent; `room` is null while it is not sent. */
  async function find(actor: Actor, id: string) {
    const found = isPublicId(id) ? await store.messages.attachment(id) : null;
    if (!found) throw noSuchFile();
    const mine = found.owner === memberKey(actor);
    if (found.place === null) {
      if (!mine) throw noSuchFile();
      return { found, mine, where: null };
    }
    const located = await store.rooms.locate({ id: found.place.roomId }, memberKey(actor));
    if (!located?.membership || found.place.seq <= located.membership.historyFrom) throw noSuchFile();
    const isHidden = located.membership.hiddenNo > 0 && (await hides(actor, found.place));
    if (isHidden) throw noSuchFile();
    const verdict = can(located.membership, located.room, "read", now());
    if (verdict !== null) throw refusal(verdict, "read");
    return { found, mine, where: { room: located.room, membership: located.membership } };
  }

  async function bytesOf(
    { content }: StoredAttachment,
    range?: ByteRange,
  ): Promise<ReadableStream<Uint8Array>> {
    const stream = await kept().open(content, range);
    if (!stream) throw noSuchFile();
    return stream;
  }

  async function visibleRooms(actor: Actor, token: string | undefined): Promise<Visible[]> {
    const rooms = await store.messages.roomsOf(memberKey(actor));
    return rooms
      .filter(({ room }) => token === undefined || room.token === token)
      .filter(({ room, membership }) => can(membership, room, "read", now()) === null)
      .map(({ room, membership }) => ({
        roomId: room.id,
        historyFrom: membership.historyFrom,
        ...(membership.hiddenNo > 0 && { hiddenBy: memberKey(actor) }),
      }));
  }

  /** Whether the actor hid the message of a file for themselves. */
  async function hides(actor: Actor, place: MessagePlace): Promise<boolean> {
    return (await store.messages.hiddenOf(memberKey(actor), [place])).length > 0;
  }

  return {
    async upload(actor, input) {
      try {
        return await upload(actor, input);
      } finally {
        if (!input.content.locked) await input.content.cancel();
      }
    },
    get: async (actor, id) => viewOf((await find(actor, id)).found),
    async list(actor, { room, ...page }) {
      const rooms = await visibleRooms(actor, room);
      const owner = room === undefined ? memberKey(actor) : null;
      const only = room === undefined ? null : (rooms[0]?.roomId ?? 0);
      const query = await cursorQuery(page, (cursor: string) => placeOf(actor, only, cursor));
      const { items, more } = cut(await store.messages.attachmentPage(owner, rooms, query), query);
      return { attachments: items.map(viewOf), more };
    },
    async rename(actor, id, filename) {
      const name = checkFilename(filename);
      const { found, mine, where } = await find(actor, id);
      if (!mine) throw new DomainError("forbidden", "Only whoever uploaded a file renames it");
      const verdict = where && can(where.membership, where.room, "edit_own", now());
      if (verdict) throw refusal(verdict, "edit_own", where.room);
      const renamed = { ...found, filename: name };
      if (found.filename === name) return { file: viewOf(found), changed: false };
      await store.transaction(async (tx) => {
        if (!(await hold(tx, renamed))) throw noSuchFile();
        await tx.messages.renameAttachment(id, name);
        await noteAttachments(tx, "attachment.updated", [renamed]);
        const rename = (file: ShownAttachment) => (file.id === id ? { ...file, filename: name } : file);
        await changeFiles(tx, actor, renamed, (files) => files.map(rename));
      });
      return { file: viewOf(renamed), changed: true };
    },
    delete: (actor, id) => remove(actor, id),
    async open(actor, id, range) {
      return await bytesOf((await find(actor, id)).found, range);
    },
    async linked(id) {
      const found = isPublicId(id) ? await store.messages.attachment(id) : null;
      if (!found) throw noSuchFile();
      return { file: viewOf(found), open: (range) => bytesOf(found, range) };
    },
    async sweep(at) {
      await discard(await store.messages.staleAttachments(at - KEEP_WAITING_MS, SWEEP_STEP));
      if (!files) return;
      await files.sweep();
      let unwanted: UnwantedFile[];
      do {
        unwanted = await store.messages.unwantedFiles(SWEEP_STEP);
        for (const { content } of unwanted) if (content !== null) await files.delete(content);
        await store.messages.filesGone(unwanted.map(({ id }) => id));
      } while (unwanted.length === SWEEP_STEP);
    },
  };

  async function upload(
    actor: Actor,
    { filename, content, key, room }: Parameters<Attachments["upload"]>[1],
  ): Promise<AttachmentView> {
    const owner = memberKey(actor);
    const id = key === undefined ? newPublicId() : derivedPublicId(`attachment of ${owner}: ${key}`);
    const before = key === undefined ? null : await store.messages.attachment(id);
    if (before?.place) return viewOf(before);
    const name = before?.filename ?? checkFilename(filename);
    const file = await kept().receive(content, MAX_ATTACHMENT_BYTES);
    if (!file) throw new DomainError("too_large", "file must have at most 25 MiB", { field: "file" });
    try {
      if (file.size === 0) throw badField("file", "must not be empty");
      const given = { id, filename: name, size: file.size, owner, room: room ?? null, createdAt: now() };
      const { attachment, isNew } = before
        ? { attachment: before, isNew: false }
        : await add({ ...given, type: await typeOf(file, name) });
      if (file.size !== attachment.size) throw new KeyReused();
      if (attachment.place) return viewOf(attachment);
      // An upload with a key will be repeated, so its row stays; otherwise a sweep removes it.
      if (isNew || !(await isKept(id))) {
        await file.keep(id).catch(async (error) => {
          if (key === undefined) await discard([id]);
          throw error;
        });
      }
      const stored = { ...attachment, owner, place: null, room: null, content: id };
      await store.transaction((tx) => noteAttachments(tx, "attachment.created", [stored]));
      return viewOf(stored);
    } finally {
      await file.discard();
    }
  }

  /** Whether the bytes are stored. Stored bytes are not replaced: their size was counted, and they may have been sent. */
  async function isKept(id: string): Promise<boolean> {
    const stream = await kept().open(id, { first: 0, last: 0 });
    await stream?.cancel();
    return stream !== null;
  }

  /** Adds the file's row, or finds the one that the same request, repeated at the same time, has added. */
  async function add(file: NewFile): Promise<{ attachment: StoredAttachment; isNew: boolean }> {
    const bounds = fileBounds(context.settings);
    const { status, used } = await store.messages.addAttachment(file, bounds);
    if (status === "added")
      return { attachment: { ...file, place: null, room: null, content: file.id }, isNew: true };
    if (status === "known") {
      const twin = await store.messages.attachment(file.id);
      if (twin) return { attachment: twin, isNew: false };
      throw new DomainError("conflict", "The file that was kept under this key was deleted");
    }
    throw new DomainError("too_large", excess(status, { used, size: file.size, bounds }), { field: "file" });
  }

  async function remove(actor: Actor, id: string): Promise<void> {
    const { found, mine, where } = await find(actor, id);
    if (where && !mine) {
      const verdict = can(where.membership, where.room, "delete_any", now());
      if (verdict !== null) throw refusal(verdict, "delete_any", where.room);
    }
    await store.transaction(async (tx) => {
      const locked = await hold(tx, found);
      if (!locked) return;
      await tx.messages.deleteAttachments([id]);
      await noteAttachments(tx, "attachment.deleted", [locked]);
      await changeFiles(tx, actor, found, (files) => files.filter((file) => file.id !== id));
    });
  }

  /** Deletes rows of unsent files. The next sweep deletes their bytes. */
  async function discard(ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await store.transaction((tx) => tx.messages.discardAttachments(ids));
  }

  /** The file at a cursor, if the actor could ever see it. @param only the room whose files are listed; null: all */
  async function placeOf(
    actor: Actor,
    only: number | null,
    cursor: string,
  ): Promise<StoredAttachment | null> {
    const found = isPublicId(cursor) ? await store.messages.attachmentPlace(cursor) : null;
    if (!found) return null;
    const { place, owner } = found;
    if (place === null) return only === null && owner === memberKey(actor) ? found : null;
    if (only !== null && place.roomId !== only) return null;
    return (await store.messages.momentOf(memberKey(actor), place)) && found;
  }
}

/**
 * Locks the room of a file and the file.
 * @returns null where it was deleted since @throws DomainError `unavailable` where it was sent since: its room is not locked
 */
async function hold(tx: StoreTransaction, { id, place }: StoredAttachment): Promise<StoredAttachment | null> {
  if (place) await tx.lockRooms([place.roomId]);
  const [locked = null] = await tx.messages.lockAttachments([id]);
  if (locked?.place && !place) {
    throw new DomainError("unavailable", "The file was sent just now; say it again", { retryAfterMs: 0 });
  }
  return locked;
}

/** Changes what the message of a file says of its files, and tells the room (`message.edited`). Nothing where it is not sent. */
async function changeFiles(
  tx: StoreTransaction,
  actor: Actor,
  { place }: StoredAttachment,
  change: (files: readonly ShownAttachment[]) => ShownAttachment[],
): Promise<void> {
  const message = place && (await tx.messages.message(place));
  if (!message) return;
  const { text, mentions = [], attachments = [], format } = dataOf<"message">(message);
  const files = change(attachments);
  await tx.messages.rewriteAttachments(place, files);
  const data: EditData = {
    ...{ seq: place.seq, text, mentions, attachments: files },
    ...(format && { format }),
  };
  await tx.appendEvents(place.roomId, [{ type: "message.edited", actor, data }]);
}
