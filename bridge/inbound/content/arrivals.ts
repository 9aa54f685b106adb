/**
 * Fetches the files of messages from Matrix beside the turns of their rooms. A turn waits a moment for a file; after that the
 * message says that its file is arriving, and an ordinary edit gives it the file, or says that none came. So neither a file
 * that nobody uploads nor a slow homeserver elsewhere stops a room.
 */
import { setTimeout as delay } from "node:timers/promises";
import { backoffMs } from "../../../src/domain/backoff.ts";
import { DomainError } from "../../../src/domain/errors.ts";
import { type Actor, SYSTEM_ACTOR } from "../../../src/domain/model.ts";
import type { RoomLog } from "../../../src/domain/ports/store/log.ts";
import type { UseCases } from "../../../src/domain/use-cases/use-cases.ts";
import type { Logger } from "../../../src/logger.ts";
import { HomeserverError } from "../../homeserver/homeserver-error.ts";
import { UndecipherableFile } from "../../mapping/encrypted-file.ts";
import { type FileStanding, isLocked, openFile } from "../../mapping/files.ts";
import { type MatrixEvent, readEvent } from "../../mapping/matrix-events.ts";
import { chatText, shownHash } from "../../mapping/translate.ts";
import type { MatrixLookup } from "../../rooms/matrix-lookup.ts";
import type { RoomRef } from "../../rooms/members.ts";
import type { ArrivingFile } from "../../store/arriving.ts";
import type { BridgeStore } from "../../store/bridge-store.ts";
import type { MirroredEvent } from "../../store/events.ts";
import { messageNow } from "./edits.ts";
import type { InboundFiles } from "./files.ts";

/** How a message's file stands after a moment. `named`: there is no file, or none for us; `locked`: none that has a key. */
export type BegunFile = { standing: "kept"; id: string } | { standing: Exclude<FileStanding, "kept"> };

export interface Arrivals {
  /** Begins to fetch the file of a message, and waits a moment for it. Safe to repeat. */
  begin(room: RoomRef, event: MatrixEvent, actor: Actor): Promise<BegunFile>;
  /** The message of a file that {@link begin} returned is stored. */
  stored(event: MatrixEvent, file: BegunFile): Promise<void>;
  /** Goes on with files on their way, as many as may be fetched at once. Does not wait for them. */
  run(): Promise<void>;
  /** Resolves when nothing is under way any more. Abort the homeserver's requests first. */
  done(): Promise<void>;
}

export interface ArrivalsOptions {
  node: string;
  store: Pick<
    BridgeStore,
    | "expectFile"
    | "leaseArriving"
    | "arriving"
    | "fileKept"
    | "fileLater"
    | "fileSettled"
    | "putFile"
    | "mirroredEvent"
  >;
  files: InboundFiles;
  messages: Pick<UseCases["messages"], "edit">;
  attachments: Pick<UseCases["attachments"], "delete">;
  log: Pick<RoomLog, "event">;
  lookup: Pick<MatrixLookup, "actor">;
  logger: Pick<Logger, "info" | "warn">;
  /** How often a file is asked for that does not come. Default: {@link MAX_TRIES}, which takes some six minutes. */
  tries?: number | undefined;
}

/** How long a room's turn waits for a file. Only one file on its way to a room is waited for. */
const MOMENT_MS = 500;
const MAX_UNDER_WAY = 8;
const MAX_OF_A_SENDER = 2;
const MAX_TRIES = 12;
const RETRIES = { firstMs: 1_000, maxMs: 60_000, jitter: 0.25 };
/** The message is about to be stored. */
const UNSTORED_MS = 500;
/** Failures before a message that is still not stored counts as refused. */
const MAX_UNSTORED = 20;

export function createArrivals(options: ArrivalsOptions): Arrivals {
  const { node, store, files, messages, lookup, logger, tries: maxTries = MAX_TRIES } = options;
  /** Fetches under way, by the message's event id. They reject as {@link InboundFiles.fetch} does. */
  const fetching = new Map<string, Promise<string | null>>();
  /** All work on files that turns do not wait for, by event id. */
  const underWay = new Map<string, Promise<void>>();

  /** @param tries answers to this that brought no file */
  function fetch(room: RoomRef, event: MatrixEvent, actor: Actor, tries: number): Promise<string | null> {
    const known = fetching.get(event.event_id);
    if (known !== undefined) return known;
    const begun = files
      .fetch(room.id, event, actor, tries + 1 >= maxTries)
      .then(async (id) => {
        if (id !== null) await store.fileKept(event.event_id, id);
        return id;
      })
      .finally(() => fetching.delete(event.event_id));
    fetching.set(event.event_id, begun);
    return begun;
  }

  /** Does the work beside everything else. A failure of the database is made up for by the next run. */
  function beside(eventId: string, work: () => Promise<void>): void {
    if (underWay.has(eventId)) return;
    const running = work()
      .catch(async (error: unknown) => {
        logger.warn(
          { event: "bridge.file_waits", err: error, matrixEvent: eventId },
          "could not go on with a file from Matrix; trying again",
        );
        await store.fileLater(eventId, RETRIES.firstMs, true).catch(() => {});
      })
      .finally(() => underWay.delete(eventId));
    underWay.set(eventId, running);
  }

  /** Fetches the file, or learns that it does not come, and tells its message. */
  async function carry(eventId: string, begun?: Promise<string | null>): Promise<void> {
    const file = await store.arriving(eventId);
    const event = file && readEvent(JSON.parse(file.event));
    const room = file && { id: file.roomId, token: file.room, matrixRoomId: file.matrixRoomId };
    if (!file || !event || !room) return await store.fileSettled(eventId);
    const actor = await lookup.actor(room, event.sender);
    // Its sender was deleted: nobody is left whose file it would be.
    if (!actor) return await settle(file, { event, actor: SYSTEM_ACTOR, id: null, without: "lost" });
    let id = file.attachment;
    let without: Missing = "lost";
    try {
      id ??= await (begun ??
        fetch({ id: file.roomId, matrixRoomId: file.matrixRoomId }, event, actor, file.tries));
    } catch (error) {
      if (isWorthAnotherTry(error) && file.tries + 1 < maxTries) return await later(file, error);
      tellNotKept(event, error);
      without = missingBy(error);
    }
    await settle(file, { event, actor, id, without });
  }

  /** Of a file that this turn does not fetch. */
  async function standing(eventId: string): Promise<BegunFile> {
    const id = (await store.arriving(eventId))?.attachment ?? null;
    if (id !== null) return { standing: "kept", id };
    if (!underWay.has(eventId)) await store.fileLater(eventId, 0, false);
    return { standing: "arriving" };
  }

  async function inAMoment(event: MatrixEvent, begun: Promise<string | null>): Promise<BegunFile> {
    const moment = new AbortController();
    const late = delay(MOMENT_MS, "late" as const, { signal: moment.signal }).catch(() => "late" as const);
    try {
      const first = await Promise.race([begun, late]);
      if (first === null) return { standing: "lost" };
      if (first !== "late") return { standing: "kept", id: first };
    } catch (error) {
      if (!isWorthAnotherTry(error)) {
        tellNotKept(event, error);
        return { standing: missingBy(error) };
      }
    } finally {
      moment.abort();
    }
    beside(event.event_id, () => carry(event.event_id, begun));
    return { standing: "arriving" };
  }

  async function later({ eventId, tries }: ArrivingFile, error: unknown): Promise<void> {
    const asked =
      error instanceof HomeserverError || error instanceof DomainError ? error.retryAfterMs : null;
    const counts = !(error instanceof HomeserverError && error.outage);
    await store.fileLater(eventId, asked ?? backoffMs(RETRIES, tries), counts);
  }

  function tellNotKept(event: MatrixEvent, error: unknown): void {
    logger.info(
      { event: "bridge.file_not_kept", err: error, matrixEvent: event.event_id },
      "could not fetch a file from Matrix; the chat says that it did not arrive",
    );
  }

  async function settle(file: ArrivingFile, came: Came): Promise<void> {
    const { actor, id } = came;
    const message = await store.mirroredEvent(file.eventId);
    // The room's turn stores the message in a moment, unless the chat refused it.
    if (!message && file.tries < MAX_UNSTORED) return await store.fileLater(file.eventId, UNSTORED_MS, true);
    const now = message && (await messageNow(options.log, { id: message.roomId }, message.seq));
    if (message && now) await tell(file, message, { ...came, now: now.text });
    else if (id !== null) await removeFile(actor, id);
    await store.fileSettled(file.eventId);
  }

  /** Edits the message. What its author made of the text meanwhile stays. */
  async function tell(
    { room }: ArrivingFile,
    { eventId, seq }: MirroredEvent,
    { event, actor, now, id, without }: Came & { now: string },
  ): Promise<void> {
    const isUntouched = now === chatText(event, actor.name, "arriving")?.text;
    const after = chatText(event, actor.name, id === null ? without : "kept")?.text ?? now;
    const text = isUntouched ? after : now;
    // Before the edit is in the log: Matrix shows file and caption, and nothing of this is to be sent there.
    await store.putFile(eventId, id, shownHash(text));
    try {
      await messages.edit(actor, room, seq, { text, ...(id !== null && { attachments: [id] }) });
    } catch (error) {
      if (!(error instanceof DomainError) || error.retry) throw error;
      // Its author may not write there any more, perhaps because they left.
      tellNotKept(event, error);
      const lost = isUntouched ? (chatText(event, actor.name, "lost")?.text ?? now) : now;
      await store.putFile(eventId, null, shownHash(lost));
      if (id !== null) await removeFile(actor, id);
      await messages.edit(SYSTEM_ACTOR, room, seq, { text: lost }).catch(unlessRetryable);
    }
  }

  async function removeFile(actor: Actor, id: string): Promise<void> {
    await options.attachments.delete(actor, id).catch(unlessRetryable);
  }

  return {
    async begin(room, event, actor) {
      if (!files.isAcceptable(event)) return { standing: isLocked(event) ? "locked" : "named" };
      const { event_id: eventId, sender } = event;
      const file = { eventId, roomId: room.id, sender, event: JSON.stringify(event) };
      const isMine = await store.expectFile(file, node, MAX_OF_A_SENDER);
      if (!isMine && !fetching.has(eventId)) return await standing(eventId);
      return await inAMoment(event, fetch(room, event, actor, 0));
    },
    async stored(event, { standing }) {
      if (standing !== "arriving" && openFile(event)) await store.fileSettled(event.event_id);
    },
    async run() {
      const free = MAX_UNDER_WAY - underWay.size;
      if (free <= 0) return;
      const known = [...new Set([...underWay.keys(), ...fetching.keys()])];
      for (const { eventId } of await store.leaseArriving(node, free, MAX_OF_A_SENDER, known))
        beside(eventId, () => carry(eventId));
    },
    async done() {
      await Promise.all(underWay.values());
    },
  };
}

/** How a file that does not come stands, and what became of one. */
type Missing = "lost" | "locked";
interface Came {
  event: MatrixEvent;
  actor: Actor;
  /** Null: the file does not come, for the reason in `without`. */
  id: string | null;
  without: Missing;
}

/** Lets a refusal pass: what was asked for is so already, or can't be. */
function unlessRetryable(error: unknown): null {
  if (!(error instanceof DomainError) || error.retry) throw error;
  return null;
}

function missingBy(error: unknown): Missing {
  return error instanceof UndecipherableFile ? "locked" : "lost";
}

/** Whether the file may come later: it is not uploaded yet, its homeserver is slow or away, or our storage is. */
function isWorthAnotherTry(error: unknown): boolean {
  if (error instanceof HomeserverError) return error.temporary;
  if (error instanceof UndecipherableFile) return false;
  return !(error instanceof DomainError) || error.retry;
}
