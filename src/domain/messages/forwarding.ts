/**
 * Forwarding: what a message that is sent on takes from the original, and its files. They are files of the forwarder's own,
 * which count for the forwarder, over the same bytes. So the copy and the original live on without each other.
 */
import type { Context } from "../context/context.ts";
import { badField, DomainError, isUnavailable } from "../errors.ts";
import { dataOf } from "../event-data.ts";
import { noteAttachments } from "../files/attachment-notes.ts";
import { excess, fileBounds } from "../files/file-rules.ts";
import { type MessagePlace, newPublicId } from "../ids.ts";
import {
  type Actor,
  type Attachment,
  DELETED_USER,
  type EventData,
  type Forwarded,
  type LoggedEvent,
  type MessageExtras,
  memberKey,
  type ShownAttachment,
} from "../model.ts";
import { checkId, isInvisible } from "../text-rules.ts";
import type { SendInput } from "../use-cases/sending.ts";

/** What a forwarded message says. */
export interface Original {
  place: MessagePlace;
  text: string;
  extras: MessageExtras;
  files: readonly ShownAttachment[];
}

export interface Forwarding {
  /**
   * The message as the actor may read it now. The rules are those of reading.
   * @throws DomainError about `forward.room` as for reading there; `not_found` on `forward.seq` for what is no message, or
   *   one that was deleted or the actor may not see; `bad_request` on `forward.seq` for one without text and files
   */
  original(actor: Actor, source: { room: string; seq: number }): Promise<Original>;
  /**
   * Files of the actor's own that wait to be sent, over the bytes of the original's.
   * @throws DomainError `not_found` on `forward.seq` when one was deleted meanwhile; `too_large` on `forward.seq` when the
   *   files of the actor or of the organization would take more than they may
   */
  share(actor: Actor, original: Original): Promise<Attachment[]>;
  /**
   * Call it after the message was sent. Has the log looked through once more when the author was deleted in between, because
   * that may have passed the message before it was there. Never rejects.
   */
  sent(original: Original): Promise<void>;
  /** Removes shared files that were not sent. */
  discard(files: readonly Attachment[]): Promise<void>;
}

/** What the original says, and who forwards can't say besides. */
const OF_THE_ORIGINAL = ["text", "mentions", "attachments", "format", "type", "data"] as const;

export function createForwarding(context: Context): Forwarding {
  const { store, accesses, now } = context;

  async function messageOf(actor: Actor, { room, seq }: { room: string; seq: number }): Promise<LoggedEvent> {
    const { roomId, membership } = await accesses.require(actor, room, "read").catch(aboutRoom);
    const message = seq > membership.historyFrom ? await store.log.event(roomId, seq) : null;
    if (message?.type !== "message" || dataOf<"message">(message).deleted) throw noMessage();
    if ((await store.messages.hiddenOf(memberKey(actor), [{ roomId, seq }])).length > 0) throw noMessage();
    return message;
  }

  /** The first author. The name of a deleted user must not come back, whatever a log still says. */
  async function originOf(
    { actor: { kind, id, name }, at }: LoggedEvent,
    { forwarded, mentions }: EventData["message"],
  ): Promise<Forwarded> {
    const origin = forwarded ?? { actor: { kind, id, name }, at, ...(mentions && { mentions }) };
    const { actor: author } = origin;
    return (await isGone(author)) ? { ...origin, actor: { ...author, name: DELETED_USER } } : origin;
  }

  async function isGone({ kind, id }: Forwarded["actor"]): Promise<boolean> {
    return kind === "user" && (await store.users.byIds([Number(id)])).length === 0;
  }

  return {
    async original(actor, source) {
      const message = await messageOf(actor, source);
      const said = dataOf<"message">(message);
      const { text, attachments = [], format, kind, data } = said;
      if (attachments.length === 0 && isInvisible(text)) {
        throw badField("forward.seq", "must name a message with a text or files");
      }
      const extras: MessageExtras = {
        ...(format && { format }),
        ...(kind !== undefined && { kind }),
        ...(data !== undefined && { data }),
        forwarded: await originOf(message, said),
      };
      const { roomId, seq } = message;
      return { place: { roomId, seq }, text, extras, files: attachments };
    },
    async share(actor, { place, files }) {
      const [bounds, createdAt, owner] = [fileBounds(context.settings), now(), memberKey(actor)];
      const shared = files.map((file) => ({ ...file, id: newPublicId(), createdAt }));
      const wanted = {
        ...{ ids: shared.map(({ id }) => id), sources: files.map(({ id }) => id) },
        ...{ from: place, owner, createdAt },
      };
      const { status, used } = await store.transaction(async (tx) => {
        const made = await tx.messages.shareFiles(wanted, bounds);
        const notes = shared.map(({ id }) => ({ id, owner, place: null }));
        if (made.status === "added") await noteAttachments(tx, "attachment.created", notes);
        return made;
      });
      if (status === "added") return shared;
      if (status === "gone") throw noMessage();
      const size = files.reduce((sum, file) => sum + file.size, 0);
      throw new DomainError("too_large", excess(status, { used, size, bounds }), { field: "forward.seq" });
    },
    async sent({ extras: { forwarded } }) {
      if (!forwarded || forwarded.actor.name === DELETED_USER) return;
      await context.bestEffort("Looking whether a forwarded author was deleted", async () => {
        if (await isGone(forwarded.actor))
          await store.transaction((tx) => tx.deletions.again(Number(forwarded.actor.id)));
      });
    },
    async discard(files) {
      await store.transaction((tx) => tx.messages.discardAttachments(files.map(({ id }) => id)));
    },
  };
}

/** @throws DomainError `bad_request` for what can't be sent on, and for what only the original says */
export function checkForward(input: SendInput, { seq }: { seq: number }): void {
  checkId("forward.seq", seq);
  for (const field of OF_THE_ORIGINAL) {
    const given = input[field];
    const isGiven = Array.isArray(given) ? given.length > 0 : given !== undefined && given !== "";
    if (isGiven) throw badField(field, "excludes forward: the message says what the original says");
  }
}

function aboutRoom(error: unknown): never {
  if (!(error instanceof DomainError) || isUnavailable(error)) throw error;
  const { code, message, retryAfterMs } = error;
  throw new DomainError(code, message, { field: "forward.room", retryAfterMs });
}

function noMessage(): DomainError {
  const message = "There is no such message, or you can't see it";
  return new DomainError("not_found", message, { field: "forward.seq" });
}
