/**
 * What goes between the chat and Matrix beside the log, and may be lost: read markers, who types, and who is online. News of the chat come over the bus, those of
 * Matrix as ephemeral events of its transactions (Matrix 1.13, "Pushing ephemeral data").
 */
import { userKey } from "../../src/domain/model.ts";
import type { BridgeNews } from "../../src/domain/ports/broadcasts.ts";
import { createLastReceipts } from "./last-receipts.ts";
import { createPresenceFromMatrix, type PresenceFromMatrixOptions } from "./presence-from-matrix.ts";
import { createPresenceToMatrix, type PresenceToMatrixOptions } from "./presence-to-matrix.ts";
import {
  createReceiptsFromMatrix,
  type ReceiptsFromMatrix,
  type ReceiptsFromMatrixOptions,
} from "./receipts-from-matrix.ts";
import {
  createReceiptsToMatrix,
  type ReceiptsToMatrix,
  type ReceiptsToMatrixOptions,
} from "./receipts-to-matrix.ts";
import { createTypingFromMatrix, type TypingFromMatrixOptions } from "./typing-from-matrix.ts";
import { createTypingToMatrix, type TypingToMatrixOptions } from "./typing-to-matrix.ts";

export interface Live {
  /** Takes a message of the bus. */
  onNews(message: Uint8Array): void;
  /** Takes the ephemeral events of a transaction, of any type and shape. */
  receive(events: readonly unknown[]): void;
  /** A message of the user came to Matrix. */
  wrote(roomId: number, userId: number): void;
  /** The homeserver is there, or is back. It never rejects. */
  connected(): Promise<void>;
  /** Somebody may have signed in, or the homeserver is back: makes up for what Matrix lacks. @param roomId null: in all rooms */
  catchUp(roomId: number | null): Promise<void>;
  stop(): Promise<void>;
}

export type LiveOptions = Omit<ReceiptsToMatrixOptions, "last"> &
  Omit<ReceiptsFromMatrixOptions, "last"> &
  TypingToMatrixOptions &
  Omit<TypingFromMatrixOptions, "isShown"> &
  PresenceToMatrixOptions &
  PresenceFromMatrixOptions & {
    /** Whether presence goes to Matrix and comes from there. */
    shareOnline: boolean;
    /** Whether read markers go to Matrix and come from there. */
    receipts: boolean;
    /** A user has another name or picture. */
    profileChanged: () => void;
  };

/** Of one transaction; homeservers send 100. */
const MAX_EVENTS = 1_000;

export function createLive(options: LiveOptions): Live {
  const last = createLastReceipts();
  const toMatrix: ReceiptsToMatrix | null = options.receipts
    ? createReceiptsToMatrix({ ...options, last })
    : null;
  const fromMatrix: ReceiptsFromMatrix | null = options.receipts
    ? createReceiptsFromMatrix({ ...options, last })
    : null;
  const presence = options.shareOnline ? createPresenceToMatrix(options) : null;
  const presenceInMatrix = options.shareOnline ? createPresenceFromMatrix(options) : null;
  const typing = createTypingToMatrix(options);
  const typingInMatrix = createTypingFromMatrix({ ...options, isShown: typing.isShown });
  return {
    onNews(message) {
      const { read, typing: typed, profile, looks } = newsIn(message);
      if (looks) presence?.note(looks[0], userKey(looks[1]), looks[2]);
      if (profile !== undefined) options.profileChanged();
      if (read) toMatrix?.note(read[0], userKey(read[1]));
      // What the chat shows because Matrix says so is an echo.
      if (typed && !typingInMatrix.isHeard(typed[0], typed[1])) typing.note(...typed);
    },
    receive(events) {
      for (const one of events.slice(0, MAX_EVENTS)) {
        const { type, room_id, sender, content } = (one ?? {}) as Record<string, unknown>;
        if (typeof content !== "object" || content === null) continue;
        if (type === "m.presence")
          presenceInMatrix?.receive({ sender, content: content as Record<string, unknown> });
        if (typeof room_id !== "string") continue;
        const event = { room_id, content: content as Record<string, unknown> };
        if (type === "m.receipt") fromMatrix?.receive(event);
        if (type === "m.typing") typingInMatrix.receive(event);
      }
    },
    connected: async () => await presence?.connected(),
    wrote: (roomId, userId) => toMatrix?.note(roomId, userKey(userId)),
    catchUp: async (roomId) => await toMatrix?.catchUp(roomId),
    async stop() {
      await Promise.all(
        [toMatrix, fromMatrix, typing, typingInMatrix, presence, presenceInMatrix].map((part) =>
          part?.stop(),
        ),
      );
    },
  };
}

function newsIn(message: Uint8Array): BridgeNews {
  try {
    return JSON.parse(Buffer.from(message).toString()) as BridgeNews;
  } catch {
    return {}; // Another version's: what it says is lost.
  }
}
