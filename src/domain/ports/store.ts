/**
 * The store: the only truth. What callers may rely on:
 *
 * - **Durable.** A promise resolves after the commit (`synchronous_commit` on), never before.
 * - **Ordered.** Within a room, order of `seq` is order of commit; `seq` is gapless and starts at 1.
 * - **Idempotent.** A send with a known `(room, sender, id)` returns the first result, for ever, on any gateway.
 * - **Safe to retry.** After a lost connection the outcome is looked up, not guessed.
 * - Errors are `DomainError`: `busy` (the queue is full), `unavailable` (the database can't be reached).
 *   Both mean that nothing may be assumed lost or stored; repeating the same call is safe.
 */
import type {
  Actor,
  ApiToken,
  Attachment,
  ChatroomKind,
  Conversation,
  ConversationType,
  EventData,
  EventType,
  Group,
  HistoryVisibility,
  LoggedEvent,
  MemberKey,
  Membership,
  MembershipSettings,
  Organization,
  OrganizationEvent,
  OrganizationRole,
  Picture,
  Role,
  RoomHead,
  User,
} from "../model.ts";
import type { Clock } from "./clock.ts";
import type { Journal } from "./journal.ts";
import type { MessageStore, MessageWrites } from "./message-store.ts";
import type { PeopleStore, PeopleWrites } from "./people-store.ts";
import type { RepeatStore } from "./repeat-store.ts";
import type { StoreHealth } from "./store-health.ts";
import type { VisitStore, VisitWrites } from "./visit-store.ts";
import type { WebhookStore, WebhookWrites } from "./webhook-store.ts";

export interface Store {
  /** The current `history.epoch`. */
  readonly epoch: string;
  readonly history: History;
  /** Random, made once, with the database, and the same in every process: keys are derived from it. Never shown. */
  readonly secret: string;
  readonly clock: Clock;
  readonly log: RoomLog;
  readonly rooms: RoomQueries;
  readonly accounts: AccountStore;
  readonly avatars: AvatarStore;
  readonly journal: Journal;
  readonly messages: MessageStore;
  readonly people: PeopleStore;
  readonly repeats: RepeatStore;
  readonly visits: VisitStore;
  readonly webhooks: WebhookStore;
  /**
   * Runs `work` in one transaction. Run again as a whole after a deadlock, a serialization failure or a connection
   * lost before the commit, so `work` must have no effects of its own. Inside it wait for `tx` only: another call of
   * the store may need the connection that the transaction holds (the embedded database has just one).
   * A failed statement undoes everything, also when its error is caught. A connection lost during the commit throws
   * `unavailable`: then all of it is stored, or nothing.
   * Events appended in it are given to `onCommitted` listeners after the commit.
   */
  transaction<T>(work: (tx: StoreTransaction) => Promise<T>): Promise<T>;
  /**
   * `listener` hears every event that this process committed, in a later turn of the event loop than the one in which
   * the promises of the commit resolved: acknowledge first, then publish. One call has each room's events in `seq`
   * order. Go by `seq` across calls: two commits that end at the same moment may be told in either order, and after a
   * lost connection an event may be told again.
   */
  onCommitted(listener: (events: LoggedEvent[]) => void): void;
  /** Throws `unavailable` when the database does not answer within 2 s. */
  ping(): Promise<void>;
  readonly health: StoreHealth;
  /** Figures for `/metrics` and the admin API. */
  stats(): StoreStats;
  /** Waits for what is in flight, then closes the connections. */
  close(): Promise<void>;
}

/**
 * The identity of the database's history. Two histories of one room may hold different events under the same seq: one
 * begins where the other was cut, by a restore or by the promotion of a replica that lacked the end. What outlives the
 * database (hot state, cursors that clients hold, transaction ids) has to name the history that it belongs to.
 */
export interface History {
  /** Random. Made with the database and made anew when its history is found to be another; see deploy/BACKUP.md. */
  readonly epoch: string;
  /**
   * `listener` is called after `epoch` changed while this process lives: everything that was remembered of the log, and
   * everything under the old epoch, counts for nothing from now on.
   * @returns how to stop listening
   */
  onChange(listener: () => void): () => void;
  /**
   * Names the places in the log that the process has come to: before a new connection is used after a loss they are
   * compared with the log that it leads to.
   * @returns how to stop
   */
  hold(places: () => readonly LogPlace[]): () => void;
  /**
   * Somebody was told of an event under this epoch that the log has not: the epoch is made anew, unless it is another
   * one by now.
   */
  lost(epoch: string): Promise<void>;
}

/** An event that was told. */
export interface LogPlace {
  conversationId: number;
  seq: number;
  /** The event's time, ms; 0: not known. */
  at: number;
}

export interface StoreStats {
  queued: number;
  inFlightBatches: number;
  batches: number;
  appended: number;
  duplicates: number;
  /** Size of the last batch. */
  lastBatchSize: number;
  /** SQL statements sent so far, those of transactions (with begin and commit) included. */
  statements: number;
  /** Connections to the database that are in use. */
  connectionsInUse: number;
  /** Pieces of work that wait for a connection. */
  waiting: number;
}

// ── The log ──────────────────────────────────────────────────────────────────────────────────────────

/** One message to append. Membership and rules were judged under `accessVersion`. */
export interface NewMessage {
  conversationId: number;
  accessVersion: number;
  sender: Actor;
  /** The client's own id, 1–64 characters (a Matrix event id of up to 255 bytes for inbound messages). */
  id: string;
  text: string;
  replyTo?: number;
  mentions?: string[];
  /** Files that wait to be sent; they belong to the message from the commit on. */
  attachments?: Attachment[];
}

export type AppendResult =
  | { status: "appended"; seq: number; at: number }
  /**
   * Stored before under the same (room, sender, id): the first result. This wins over `stale` and `bad_reply`: who
   * retries gets the first result also after having left the room.
   */
  | { status: "duplicate"; seq: number; at: number }
  /**
   * Membership or rules changed since they were judged: read them again, judge again, append again. A member of a room
   * that is neither read-only nor has a lobby may send, whatever changed; `accessVersion` 0 is always stale.
   */
  | { status: "stale" }
  /** The room is gone. */
  | { status: "not_found" }
  /** `replyTo` is no message of this room, or it was deleted. */
  | { status: "bad_reply" };

export interface RoomLog {
  /**
   * Group commit: collects the appends that arrive while a commit is in flight and writes them as one statement.
   * Messages of one sender to one room keep the order in which they were given. The sender's read marker moves to the
   * message; mentions count for those ids that are members. A batch whose outcome is unknown is looked up and written
   * again for some seconds before it is `unavailable`.
   * @throws DomainError `busy` when the queue is full; `bad_request` for NUL in the id or the sender
   */
  append(message: NewMessage): Promise<AppendResult>;
  /** Events `after < seq ≤ upTo` of one room, ascending, at most `limit`. No visibility rule is applied. */
  range(conversationId: number, after: number, upTo: number, limit: number): Promise<LoggedEvent[]>;
  /** {@link range} for many rooms in one query: for each its events after its own seq, at most `limitEach`. */
  rangeMany(
    wanted: { conversationId: number; after: number; upTo: number }[],
    limitEach: number,
  ): Promise<LoggedEvent[]>;
  /**
   * A page of history as `member` may see it, ascending, membership checked in the same query. Without `before` and
   * `after` it is the end of the log; `more` tells whether there are more in the direction of the page.
   * @returns null when the room does not exist or the member is not in it. `role` and `rules` let the caller apply `can`.
   */
  history(
    token: string,
    member: MemberKey,
    page: { before?: number; after?: number; limit: number },
  ): Promise<{
    events: LoggedEvent[];
    more: boolean;
    membership: Membership;
    conversation: Conversation;
  } | null>;
  /** One event, or null. */
  event(conversationId: number, seq: number): Promise<LoggedEvent | null>;
  /**
   * For each room the head, and the time of its event at `seq` (null: there is none); rooms that are gone are left out.
   */
  places(wanted: readonly Pick<LogPlace, "conversationId" | "seq">[]): Promise<PlaceInLog[]>;
  /** The current heads of the named rooms; rooms that are gone are left out. */
  heads(conversationIds: number[]): Promise<RoomHead[]>;
  /**
   * What these members have not read; those who are not in the room are left out. Deleted messages don't count.
   */
  unread(conversationId: number, members: readonly MemberKey[]): Promise<UnreadState[]>;
  /**
   * Moves read markers up (never back), many in one statement, and notes that the member opened the room now.
   * `seq` past the head counts as not applied.
   * Resolves with where each marker now stands, or null where the room or membership is gone, or
   * `"past_head"` where seq is greater than the room's head.
   */
  markRead(member: MemberKey, conversationId: number, seq: number): Promise<ReadState | "past_head" | null>;
}

export interface PlaceInLog {
  conversationId: number;
  head: number;
  at: number | null;
}

export interface ReadState {
  read: number;
  readMessages: number;
  /** Messages after the marker that were not deleted, and those of them that mention the member. */
  unread: number;
  mentions: number;
  moved: boolean;
}

/** What a member has not read, as of the room's `head`. */
export interface UnreadState {
  member: MemberKey;
  head: number;
  read: number;
  unread: number;
  mentions: number;
}

// ── Rooms ────────────────────────────────────────────────────────────────────────────────────────────

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

// ── Transactions ─────────────────────────────────────────────────────────────────────────────────────

export interface NewConversation {
  organizationId: number | null;
  type: ConversationType;
  kind: ChatroomKind | null;
  name: string;
  description?: string | null;
  avatar?: Picture | null;
  eventId?: number | null;
  automationEnabled?: boolean;
  history: HistoryVisibility;
  createdBy: MemberKey;
  scheduledDeletion?: number | null;
  avatarUrl?: string | null;
  /** Unset: a random one. One that is in use is `conflict`. */
  publicId?: string;
  /**
   * See `pairOf`; a pair has one room at most (look with `oneToOne` first). The room is `blocked` when one of them
   * blocked the other.
   */
  pair?: string | null;
  messageTimer?: number | null;
  receiptMode?: number | null;
  access?: string[];
  accessRole?: string;
}

/** Null removes the picture that is kept. */
export type ConversationPatch = { avatarId?: null } & Partial<
  Pick<
    Conversation,
    | "name"
    | "description"
    | "type"
    | "automationEnabled"
    | "readOnly"
    | "lobby"
    | "lobbyUntil"
    | "passwordHash"
    | "scheduledDeletion"
    | "avatarUrl"
    | "pair"
    | "blocked"
    | "messageTimer"
    | "receiptMode"
    | "access"
    | "accessRole"
    | "guestCode"
  >
>;

export interface NewMember {
  member: MemberKey;
  userId: number | null;
  name: string;
  role: Role;
  guestSeed?: string | null;
}

/** `following`: the rooms with automation whose source (organization or event) has the user. */
export type OrganizationRooms =
  | { which: "all" }
  | { which: "default" }
  | { which: "event"; eventId: number }
  | { which: "following"; userId: number }
  | { which: "member"; member: MemberKey };

export interface NewEvent<T extends EventType = EventType> {
  type: T;
  actor: Actor;
  data: EventData[T];
}

/**
 * Writes that belong together. Rooms must be locked (`lockRooms`) or created in this transaction before anything
 * of theirs is written; lock all rooms in one call, so that they are taken in id order.
 */
export interface StoreTransaction {
  /** Locks the rooms in id order and reads them as they are now. Deleted and unknown rooms are left out. */
  lockRooms(conversationIds: number[]): Promise<Conversation[]>;
  /** A new room with an empty log, locked. A name taken in the organization (Messenger rooms) throws `conflict` on `name`. */
  createConversation(input: NewConversation): Promise<Conversation>;
  /** Bumps the room's access version. A name taken in the organization throws `conflict` on `name`. */
  updateConversation(conversationId: number, patch: ConversationPatch): Promise<Conversation>;
  /**
   * Removes the room with its members; the id is never used again. Its log is removed in the background, a minute
   * later: until then `range` and `event` still serve whoever has to learn of `room.deleted`.
   */
  deleteConversation(conversationId: number): Promise<void>;
  /** Ids of an organization's rooms, ascending, to be locked next. Lock the organization first: then none is made meanwhile. */
  organizationRooms(organizationId: number, which: OrganizationRooms): Promise<number[]>;
  /** Ids of the rooms that a member is in, ascending, to be locked next. */
  conversationIdsOf(member: MemberKey): Promise<number[]>;
  /**
   * The room of the pair, whoever of them is in it, or null. Holds the pair until the commit, so that nobody else makes
   * theirs.
   */
  oneToOne(a: MemberKey, b: MemberKey): Promise<number | null>;
  /** The members of a room as they are now, in order of joining; `keys` narrows, `limit` cuts. */
  members(conversationId: number, keys?: MemberKey[], limit?: number): Promise<Membership[]>;
  /** How many members there are, and how many of them are guests. */
  countMembers(conversationId: number): Promise<{ members: number; guests: number }>;
  /**
   * Adds members; existing ones get the role and the name. Append one event per entry right after, in the same order
   * (`member.joined`, or `member.changed`): the n-th entry (from 1) is taken to join at `head + n`. Its `joinedSeq` and
   * read marker are that seq, with the room's message count of now, so nothing is unread; visible history starts
   * with that event where it is `joined`, at the beginning where it is `shared`. A member may stand in the list once.
   * Bumps the access version and the users' versions.
   */
  putMembers(conversationId: number, members: NewMember[]): Promise<void>;
  /** Bumps the access version and the users' versions. */
  removeMembers(conversationId: number, keys: MemberKey[]): Promise<void>;
  /**
   * Appends events other than messages, in order, each with the next seq. Call state follows: `call.started` while a
   * call runs, and what else happens to a call while none does, are left out of the log and of the answer. A
   * `message.edited` takes the text out of the one before it of the same message (`{seq, hidden: true}`).
   */
  appendEvents(conversationId: number, events: NewEvent[]): Promise<LoggedEvent[]>;
  /**
   * Replaces a message's text in place, with whom it mentions where that is given, and marks it edited; or leaves
   * `{text: "", deleted: true}` of it. A deleted message mentions nobody, has no reactions and no files, and is unread no
   * more; its text is in none of its edits any more. False when there is no such message, or it was deleted before.
   */
  rewriteMessage(
    conversationId: number,
    seq: number,
    change: { text: string; edited: number; mentions?: readonly string[] } | { deleted: true },
  ): Promise<boolean>;
  head(conversationId: number): Promise<RoomHead>;
  /** Who is in the running call, as {@link RunningCall}; null while none runs. */
  callers(conversationId: number): Promise<Actor[] | null>;

  readonly accounts: AccountWrites;
  readonly messages: MessageWrites;
  readonly people: PeopleWrites;
  readonly visits: VisitWrites;
  readonly webhooks: WebhookWrites;
}

// ── Accounts ─────────────────────────────────────────────────────────────────────────────────────────

export interface NewUser {
  handle: string;
  displayName: string;
  email: string | null;
  passwordHash: string | null;
  administrator: boolean;
}

export type UserPatch = Partial<NewUser>;

export interface Login {
  id: number;
  userId: number;
  persistent: boolean;
  startedAt: number;
  expiresAt: number;
}

/** Account writes that belong into one transaction with changes of rooms. */
export interface AccountWrites {
  /** A handle or e-mail in use throws `conflict` on that field (handles and e-mails compare case-insensitively). */
  createUser(input: NewUser): Promise<User>;
  /** Conflicts as above. A new display name shows in the user's memberships as well. Null when there is no such user. */
  updateUser(userId: number, patch: UserPatch): Promise<User | null>;
  /**
   * Marks the user deleted, frees handle and e-mail, revokes tokens and logins, and removes the user from
   * organizations, their events, groups, connections and contact books. Memberships stay: leave the rooms in the same
   * transaction. False when there is none.
   */
  deleteUser(userId: number): Promise<boolean>;
  /**
   * Ends all logins of the user with what they made in Matrix, and forgets where the user signed in. Tokens stay.
   * False when there is no such user.
   */
  endLogins(userId: number): Promise<boolean>;
  createOrganization(name: string): Promise<Organization>;
  /** Its rooms must have been deleted before (`conflict`). Tokens, roles and events go with it. */
  deleteOrganization(organizationId: number): Promise<boolean>;
  putOrganizationUser(organizationId: number, userId: number, role: OrganizationRole): Promise<void>;
  removeOrganizationUser(organizationId: number, userId: number): Promise<boolean>;
  putEvent(event: OrganizationEvent): Promise<void>;
  deleteEvent(organizationId: number, eventId: number): Promise<boolean>;
  /** Locks the organization's row, so that two changes of its automation do not cross. Null when there is none. */
  lockOrganization(organizationId: number): Promise<Organization | null>;
  /** The organization's users as the transaction sees them; `ids` narrows. */
  organizationUsers(
    organizationId: number,
    ids?: number[],
  ): Promise<{ user: User; role: OrganizationRole }[]>;
  /** Ids of the organizations that the user is in, ascending. */
  organizationIdsOf(userId: number): Promise<number[]>;
  event(organizationId: number, eventId: number): Promise<OrganizationEvent | null>;
  /**
   * Keeps these users from being deleted until the commit; unknown and deleted ones are left out. Take the locks of
   * organizations and rooms before: everybody locks in the order organizations, rooms, users.
   */
  lockUsers(ids: number[]): Promise<User[]>;
}

/** Empty `search`: all. */
export interface NamePage {
  search: string;
  limit: number;
  offset: number;
}

export interface AccountStore {
  userById(id: number): Promise<User | null>;
  usersByIds(ids: number[]): Promise<User[]>;
  userByHandle(handle: string): Promise<User | null>;
  /**
   * For login: by handle or e-mail, case-insensitively, with the password's hash, the user's version, and when they
   * signed in at the place before (null: never, or long ago).
   */
  userForLogin(
    login: string,
    place: Uint8Array,
  ): Promise<{
    user: User;
    passwordHash: string | null;
    version: number;
    placeSeenAt: number | null;
  } | null>;
  /** The user signed in at the place, now. A bounded number of places is kept, the last ones. */
  noteLoginPlace(userId: number, place: Uint8Array): Promise<void>;
  /** ONE query: the user of a login that is still valid, with the user's version and the login's `hash` in hex. */
  userOfLogin(loginId: number): Promise<{ user: User; version: number; hash: string } | null>;
  /**
   * ONE query: the user with this handle and version, when all their logins were last ended, and when the handle last
   * belonged to a deleted user, ms.
   */
  userForJwt(handle: string): Promise<{
    user: User | null;
    version: number;
    loginsEndedAt: number | null;
    deletedAt: number | null;
  }>;
  /**
   * Of `ids`, the users who exist for this user: they share an organization, are connected, or neither has
   * an organization; and neither blocked the other.
   */
  visibleUsers(userId: number, ids: number[]): Promise<number[]>;
  /** Handles of users whose handle or name holds the text, whatever its case, in order. */
  handles(page: NamePage): Promise<string[]>;
  listUsers(page: { limit: number; after: number }): Promise<User[]>;
  /** When the handle last belonged to a user that was deleted, ms, or null. */
  handleDeletedAt(handle: string): Promise<number | null>;

  organizationById(id: number): Promise<Organization | null>;
  listOrganizations(page: { limit: number; after: number }): Promise<Organization[]>;
  organizationUsers(organizationId: number): Promise<{ user: User; role: OrganizationRole }[]>;
  organizationRole(organizationId: number, userId: number): Promise<OrganizationRole | null>;
  organizationsOf(userId: number): Promise<{ organization: Organization; role: OrganizationRole }[]>;
  event(organizationId: number, eventId: number): Promise<OrganizationEvent | null>;

  putGroup(group: Group): Promise<void>;
  /** An empty group; false when there is one of this id. */
  createGroup(group: Pick<Group, "id" | "name">): Promise<boolean>;
  /** False when there is no such group. */
  addToGroup(id: string, userId: number): Promise<boolean>;
  /** Ids of groups whose id or name holds the text, whatever its case, in order. */
  groupIds(page: NamePage): Promise<string[]>;
  /** The ids of the groups that a user is in, ascending. */
  groupsOf(userId: number): Promise<string[]>;
  deleteGroup(id: string): Promise<boolean>;
  group(id: string): Promise<Group | null>;

  /** `hash` is the SHA-256 of the secret. An unknown or deleted user throws `not_found` on `userId`. */
  createToken(input: Omit<ApiToken, "id" | "createdAt"> & { hash: Uint8Array }): Promise<ApiToken>;
  /**
   * ONE query: the token with the user or organization it stands for; null when unknown, expired or revoked.
   * `version` is the user's (see `RoomQueries.changedUsers`), 0 for organizations.
   */
  tokenByHash(
    hash: Uint8Array,
  ): Promise<
    | { token: ApiToken; user: User; organization: null; version: number }
    | { token: ApiToken; user: null; organization: Organization; version: number }
    | null
  >;
  listTokens(page: { limit: number; after: number }): Promise<ApiToken[]>;
  /** Revokes; bumps the user's version so that live sessions end. */
  deleteToken(id: number): Promise<ApiToken | null>;

  /**
   * Logins (cookies) outlive the hot state; access tokens live in it. Null when the user was deleted, or has another
   * password than the one of `passwordHash` by now.
   */
  createLogin(
    input: Omit<Login, "id"> & { hash: Uint8Array; passwordHash: string | null },
  ): Promise<Login | null>;
  loginByHash(hash: Uint8Array): Promise<(Login & { user: User }) | null>;
  /** Gives the login another secret. False when it is over, or has another secret than `from` by now. */
  renewLogin(id: number, change: { from: Uint8Array; hash: Uint8Array; expiresAt: number }): Promise<boolean>;
  deleteLogin(id: number): Promise<boolean>;
  /** Tokens and logins that ran out, and places where nobody signed in for long. @returns how many of the former */
  deleteExpired(now: number): Promise<number>;
  /**
   * Of the given credentials of live sessions, those that are no longer valid (revoked, expired, user deleted), or are
   * somebody else's: a restored database may have given their id anew. `ended`: when all logins of a user of `users` were
   * ended, for those of `dated`. One query.
   */
  invalidCredentials(input: {
    tokens: readonly OwnedCredential[];
    logins: readonly OwnedCredential[];
    users: readonly Pick<User, "id" | "uuid">[];
    dated?: readonly number[];
  }): Promise<{
    tokenIds: number[];
    loginIds: number[];
    userUuids: string[];
    ended: { userId: number; at: number }[];
  }>;
}

/** A token or a login, and whose it is. */
export interface OwnedCredential {
  id: number;
  userId: number;
}

export interface AvatarStore {
  /** Null once the room is deleted or its picture replaced. */
  get(id: string): Promise<Picture | null>;
}
