/** What may be read of rooms and their members. ./store.ts says what callers may rely on. */
import type {
  Actor,
  Conversation,
  ConversationType,
  HistoryVisibility,
  LoggedEvent,
  MemberKey,
  Membership,
  MembershipSettings,
  Role,
  RoomHead,
  User,
} from "../../model.ts";

/** One row of a session's room list. */
export interface RoomListing {
  conversation: Conversation;
  membership: Membership;
  head: RoomHead;
  /** Messages after the read marker that were not deleted. */
  unread: number;
  /** Unread mentions of the member (their own id or "all") after the read marker. */
  mentions: number;
  /** The last message that is visible to the member and was not deleted, or null. */
  last: LoggedEvent | null;
}

/** One room as a session begins with it: what `ready` tells, and what visibility needs. */
export interface SessionRoom {
  id: number;
  token: string;
  name: string;
  type: ConversationType;
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
  /** Messages after the marker that were not deleted. */
  unread: number;
  /** Mentions of the member, or of everybody, after the marker. */
  mentions: number;
  /** The last message that is visible to the member and was not deleted, or null. */
  last: LoggedEvent | null;
}

export interface RoomAccess {
  conversation: Conversation;
  membership: Membership;
  accessVersion: number;
  /** The other of a one-to-one room left it, and has to be brought back before they can hear anything. */
  peerLeft: boolean;
}

/** A place in a member's rooms, newest activity first. */
export interface ActivityPlace {
  lastActivity: number;
  conversationId: number;
}

export interface ActivityPage {
  /** Only rooms after this place. */
  after?: ActivityPlace;
  /** Only rooms before this place; the page is the one next to it. */
  before?: ActivityPlace;
  limit: number;
  types?: ConversationType[];
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

export interface RoomQueries {
  /**
   * All rooms of a member with everything `ready` needs, in ONE query, newest activity first; `conversationIds` keeps
   * only those.
   */
  list(member: MemberKey, conversationIds?: readonly number[]): Promise<RoomListing[]>;
  /** The room, with the roles of those of `members` who are in it; null when it is gone. */
  roles(
    conversationId: number,
    members: readonly MemberKey[],
  ): Promise<{ conversation: Conversation; members: Pick<Membership, "userId" | "role">[] } | null>;
  /**
   * All rooms of a member with what a session needs, in ONE query, newest activity first.
   * @param asked the places of whose events the time is wanted (`askedAt`), at most one a room
   */
  sessionRooms(member: MemberKey, asked?: AskedPlaces): Promise<SessionRoom[]>;
  /** A room by one of its names, with the membership of `member`; null when there is no such room. */
  locate(
    room: { token: string } | { uuid: string } | { publicId: string } | { id: number },
    member: MemberKey,
  ): Promise<{ conversation: Conversation; membership: Membership | null } | null>;
  /** The members of each room with their accounts, in order of joining. */
  people(conversationIds: readonly number[]): Promise<{ membership: Membership; user: User | null }[]>;
  /** The member's rooms by UUID ascending: those after `after` (exclusive), or those of `uuids`. */
  idsByUuid(
    member: MemberKey,
    page: { after?: string; limit: number } | { uuids: readonly string[] },
  ): Promise<{ id: number; uuid: string }[]>;
  /** The member's rooms, newest activity first. */
  idsByActivity(member: MemberKey, page: ActivityPage): Promise<number[]>;
  /**
   * Where a room stands by activity, or stood when it was deleted, of those that the member is in or was in for 28 days;
   * null for others.
   */
  activityPlace(member: MemberKey, publicId: string): Promise<ActivityPlace | null>;
  /**
   * A member's own settings, and the name of one without an account. Null when the member is not in the room.
   * @param noted whether webhooks hear that the user's conversation changed
   */
  updateMembership(
    conversationId: number,
    member: MemberKey,
    patch: Partial<MembershipSettings> & { name?: string },
    noted?: boolean,
  ): Promise<Membership | null>;
  /** The members of a room who have read furthest, 500 of them at most, with their markers. */
  readers(conversationId: number): Promise<{ actor: Actor; seq: number }[]>;
  /** The tokens of those of the rooms that are there, by id. */
  tokens(conversationIds: readonly number[]): Promise<Map<number, string>>;
  /** Guests of all rooms, by room and key; `after` is exclusive. */
  guests(page: {
    after: Pick<Membership, "conversationId" | "member"> | null;
    limit: number;
  }): Promise<Membership[]>;
  /** Rooms whose lobby opens by itself at or before `now`, at most `limit`. */
  dueLobbies(now: number, limit: number): Promise<Conversation[]>;
  /** Room and membership as they are now, for judging; null when either is missing. `room` is a token. */
  access(room: string, member: MemberKey): Promise<RoomAccess | null>;
  byToken(token: string): Promise<Conversation | null>;
  byPublicId(publicId: string): Promise<Conversation | null>;
  byId(id: number): Promise<Conversation | null>;
  byMatrixRoomId(matrixRoomId: string): Promise<Conversation | null>;
  byEvent(organizationId: number, eventId: number): Promise<Conversation | null>;
  defaultOf(organizationId: number): Promise<Conversation | null>;
  /** Messenger's rooms of an organization (kind not null), by id; `member` keeps only rooms with that member. */
  ofOrganization(
    organizationId: number,
    page: { limit: number | null; offset: number; member?: MemberKey },
  ): Promise<{ entries: Conversation[]; total: number }>;
  /** The members of each room, in order of joining. */
  members(conversationIds: number[]): Promise<Membership[]>;
  /** The membership keys of one user in all rooms. */
  conversationIdsOf(member: MemberKey): Promise<number[]>;
  /** Rooms whose `scheduledDeletion` is at or before `now`, at most `limit`. */
  dueForDeletion(now: number, limit: number): Promise<Conversation[]>;
  /** The running calls, of the given rooms or of all, by room. */
  runningCalls(conversationIds?: number[]): Promise<RunningCall[]>;
  /**
   * Of the given users (with the version that the caller saw), those whose memberships, tokens or account changed
   * since. Deleted users come with `version: null`.
   */
  changedUsers(
    seen: { userId: number; version: number }[],
  ): Promise<{ userId: number; version: number | null }[]>;
  /** The current version of a user; see {@link changedUsers}. */
  userVersion(userId: number): Promise<number | null>;
  /** For operators: exact up to 10,000 rooms, then the database's own estimates, so that asking never reads every room. */
  counts(): Promise<{ organizations: number; users: number; rooms: number; messages: number }>;
}

/** A call that runs, as the log tells of it. Hot state knows better who is in it; the log follows. */
export interface RunningCall {
  conversationId: number;
  /** Who started it or joined, and did not leave since, in that order. */
  callers: Actor[];
}
