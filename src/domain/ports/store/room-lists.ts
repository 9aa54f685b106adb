/** The rooms of one member, in the orders in which clients walk through them. ./store.ts says what callers may rely on. */
import type {
  HistoryVisibility,
  LoggedEvent,
  MemberKey,
  Membership,
  MembershipSettings,
  Role,
  Room,
  RoomHead,
  RoomType,
  User,
} from "../../model.ts";

/** One row of a session's room list. */
export interface RoomListing {
  room: Room;
  membership: Membership;
  head: RoomHead;
  /** Messages after the read marker that were not deleted. */
  unread: number;
  /** Unread mentions of the member (their own id or "all") after the read marker. */
  mentions: number;
  /** The last message that is visible to the member and was not deleted, or null. */
  last: LoggedEvent | null;
}

/** One room as a session begins with it: what its entry in the list tells, and what visibility needs. */
export interface SessionRoom {
  id: number;
  token: string;
  /** Null beyond the rooms that were asked for: there `last` is null too, and figures are counted only where a lobby is shut. */
  shown: RoomAtAGlance | null;
  /** Grows with each change of the member's entry, and with each event. */
  rev: number;
  role: Role;
  joinedSeq: number;
  historyFrom: number;
  history: HistoryVisibility;
  lobby: boolean;
  lobbyUntil: number | null;
  head: number;
  /** The time of the event at `head`, ms; 0 where the log is empty. */
  at: number;
  /** The time of the event at the seq that was asked for, ms; null where none was, or the log has none before its head. */
  askedAt: number | null;
  /** The member's read marker. */
  read: number;
  /** How far the member's clients have the log, at least up to `read`. */
  delivered: number;
  /** Messages after the marker that were not deleted. */
  unread: number;
  /** Mentions of the member, or of everybody, after the marker. */
  mentions: number;
  /** The number of the last message here that the member hid for themselves; 0: they hid none. */
  hiddenNo: number;
  /** The seqs of those that were asked for: of which the client may not know, or whose message it is still to get. */
  hidden: readonly number[];
  /** The last message that is visible to the member and was not deleted, or null. */
  last: LoggedEvent | null;
  /** The other of a one-to-one room; null for other rooms, where the account was deleted, and where `shown` is null. */
  peer: Pick<User, "id" | "uuid" | "publicId" | "handle" | "displayName" | "avatarId" | "status"> | null;
  settings: Pick<MembershipSettings, ShownSettings>;
}

/** The columns of a room that its entry shows. */
type ShownOfRoom =
  | (
      | "uuid"
      | "publicId"
      | "matrixRoomId"
      | "organizationId"
      | "type"
      | "name"
      | "description"
      | "avatarId"
      | "avatarUrl"
    )
  | ("readOnly" | "posting" | "messageTimer" | "guestCode" | "request");
/** The member's own settings that the entry shows. */
type ShownSettings =
  | "muted"
  | "mutedUntil"
  | "pinned"
  | "archivedAt"
  | "favourite"
  | "notificationLevel"
  | "unreadMark";

/**
 * What a room's entry is made from that is the same for all of its members. They may share the object: it is not to be
 * changed, and what was made from it may be kept with it.
 */
export interface RoomAtAGlance extends Pick<Room, ShownOfRoom> {
  hasPassword: boolean;
  /** How many are in it. */
  members: number;
  /** The seq of its pinned message, or null. A member sees it if they may see that message. */
  pinnedSeq: number | null;
  /** Its last message that was not deleted, or null. */
  last: LoggedEvent | null;
}

/** A place in a member's rooms, newest activity first. */
export interface ActivityPlace {
  lastActivity: number;
  roomId: number;
}

export interface ActivityPage {
  /** Only rooms after this place. */
  after?: ActivityPlace;
  /** Only rooms before this place; the page is the one next to it. */
  before?: ActivityPlace;
  limit: number;
  types?: RoomType[];
  publicId?: string;
  muted?: boolean;
  archived?: boolean;
  pinned?: boolean;
}

/** Places in rooms, as columns: ten thousand sessions name twenty each at once. */
export interface AskedPlaces {
  /** The rooms' tokens. */
  readonly rooms: readonly string[];
  /** A seq in each of them. */
  readonly seqs: readonly number[];
}

export interface RoomLists {
  /**
   * All rooms of a member with everything `ready` needs, in ONE query, newest activity first; `roomIds` keeps
   * only those.
   */
  list(member: MemberKey, roomIds?: readonly number[]): Promise<RoomListing[]>;
  /**
   * All rooms of a member with what a session needs, in ONE query, newest activity first.
   * @param wanted `asked`: the places of whose events the time is wanted (`askedAt`), at most one a room; `most`: how many
   * of the rooms are listed, the first ones; unset: all; `hiddenAfter`: the number after which messages that the member hid are
   * wanted (`hidden`); unset: only those after the places
   */
  sessionRooms(
    member: MemberKey,
    wanted?: { asked?: AskedPlaces; most?: number; hiddenAfter?: number },
  ): Promise<SessionRoom[]>;
  /** One of those rooms; null when the member is not in it. Look-ups at the same time share a query. */
  sessionRoom(member: MemberKey, roomId: number): Promise<SessionRoom | null>;
  /** The member's rooms by UUID ascending: those after `after` (exclusive), or those of `uuids`. */
  idsByUuid(
    member: MemberKey,
    page: { after?: string; limit: number } | { uuids: readonly string[] },
  ): Promise<{ id: number; uuid: string; token: string }[]>;
  /** The member's rooms, newest activity first. */
  idsByActivity(member: MemberKey, page: ActivityPage): Promise<number[]>;
  /**
   * Where a room stands by activity, or stood when it was deleted, of those that the member is in or was in for 28 days;
   * null for others.
   */
  activityPlace(member: MemberKey, publicId: string): Promise<ActivityPlace | null>;
  /**
   * How a user's last stay in the room ended, for 28 days (for a minute where the room was deleted): they left or were
   * taken out, or the room was deleted. Null where they were never in it. `room` is a token.
   */
  departure(member: MemberKey, room: string): Promise<"left" | "deleted" | null>;
  /** Ids of the rooms that a member is in, ascending. */
  idsOf(member: MemberKey): Promise<number[]>;
  /** Where a room of the member stands by activity; null when they are not in it. */
  placeOf(member: MemberKey, token: string): Promise<ActivityPlace | null>;
  /** The rooms of the user with one other, and who that is. */
  pairsOf(userId: number): Promise<{ roomId: number; peerId: number }[]>;
}
