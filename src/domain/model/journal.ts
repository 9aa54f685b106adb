/** Events as a user's journal has them; ../ports/store/journal.ts says what the journal tells. */
import type { EventData, EventType, LoggedEvent } from "./log.ts";
import type { ConnectionStatus } from "./people.ts";
import type { MembershipSettings } from "./rooms.ts";

/** Which of the rooms' events a journal has. */
export const JOURNALED = [
  "member.joined",
  "member.left",
  "member.changed",
  "room.changed",
  "room.deleted",
] as const satisfies readonly EventType[];

/** A place in the order of time: within a room it is that of the log. */
export interface JournalPlace {
  /** ms */
  at: number;
  /** 0 for connections, which have the other's id for a seq. */
  conversationId: number;
  /** 0 for the user's own settings of the room. */
  seq: number;
}

export interface JournalEvent
  extends Pick<LoggedEvent, "conversationId" | "seq" | "actor" | "at" | "dataJson"> {
  type: keyof JournalData;
}

/** `data` of each type of event of a journal. */
export interface JournalData extends EventData {
  /** How the user stands to another. */
  connection: ConnectionData;
  /** The user's own settings of the room. */
  settings: SettingsData;
}

/** As they are now. */
export type SettingsData = Pick<
  MembershipSettings,
  "mutedStatus" | "mutedRef" | "archivedAt" | "archivedRef" | "hidden" | "hiddenRef"
>;

/** UUIDs. */
export interface ConnectionData {
  to: string;
  /** The other's; empty while they are a stranger, whom the user asked. */
  name: string;
  status: ConnectionStatus;
  message: string | null;
  conversation: string | null;
}
