/** Events of a user's journal: see ../ports/store/journal.ts. */
import type { EventData, EventType, LoggedEvent } from "./log.ts";
import type { ConnectionStatus } from "./people.ts";
import type { MembershipSettings } from "./rooms.ts";

/** The types of room events that a journal contains. */
export const JOURNALED = [
  "member.joined",
  "member.left",
  "member.changed",
  "room.changed",
  "room.deleted",
] as const satisfies readonly EventType[];

/** A place in the journal, ordered by time. Within a room the order is that of the log. */
export interface JournalPlace {
  /** ms */
  at: number;
  /** 0 for connections, whose `seq` is the other user's id. */
  roomId: number;
  /** 0 for the user's own settings of the room. */
  seq: number;
}

export interface JournalEvent extends Pick<LoggedEvent, "roomId" | "seq" | "actor" | "at" | "dataJson"> {
  type: keyof JournalData;
}

/** `data` of each type of event of a journal. */
export interface JournalData extends EventData {
  /** A connection of the user. */
  connection: ConnectionData;
  /** The user's own settings of the room. */
  settings: SettingsData;
}

/** The member's present settings of a room. */
export type SettingsData = Pick<
  MembershipSettings,
  "mutedStatus" | "mutedRef" | "archivedAt" | "archivedRef" | "hidden" | "hiddenRef"
>;

/** A connection from the user's side. Ids are UUIDs. */
export interface ConnectionData {
  to: string;
  /** The other user's name. Empty while the user's request to a stranger is not answered. */
  name: string;
  status: ConnectionStatus;
  message: string | null;
  room: { uuid: string; token: string } | null;
}
