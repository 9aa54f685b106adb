/** Redacts what an entry makes obsolete: the edits and files of a deleted message, and the files that an edit left out. */
import type { Draft } from "../mapping/outbox-plan.ts";
import type { OpenRoom } from "../rooms/rooms.ts";
import type { BridgeStore } from "../store/bridge-store.ts";
import type { OutboxEntry } from "../store/queues.ts";
import type { SupersededEdits } from "./superseded-edits.ts";
import type { Writes } from "./writes.ts";

export interface ObsoleteParts {
  /**
   * @param sent whether the entry itself redacted the message
   * @throws HomeserverError when it has to be tried again
   */
  redact(room: OpenRoom, entry: OutboxEntry, sent: boolean): Promise<void>;
}

export function createObsoleteParts(
  store: Pick<BridgeStore, "mirroredMessage" | "mirroredParts">,
  writes: Pick<Writes, "redaction">,
  { redactEvent }: Pick<SupersededEdits, "redactEvent">,
): ObsoleteParts {
  async function obsolete(room: OpenRoom, { op, target, content }: OutboxEntry, sent: boolean) {
    const { files } = JSON.parse(content) as Draft;
    if (target === null || !(op === "redaction" || files)) return [];
    const parts = (await store.mirroredParts(room.id, target)).filter(({ redacted }) => !redacted);
    if (op === "redaction") return parts.filter(({ file }) => sent || file !== null);
    const message = await store.mirroredMessage(room.id, target);
    return [...(message && !message.redacted ? [message] : []), ...parts].filter(
      ({ file }) => file !== null && !files?.includes(file),
    );
  }

  return {
    async redact(room, entry, sent) {
      for (const { eventId } of await obsolete(room, entry, sent))
        await redactEvent(room, eventId, writes.redaction(room, entry, eventId, eventId));
    },
  };
}
