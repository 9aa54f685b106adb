/**
 * What every face may ask of the domain. A face (WebSocket, HTTP API, Matrix) parses and shapes; rules live behind
 * these interfaces. All of them reject with `DomainError`.
 *
 * `actor` is whoever acts; `room` is a conversation's 8-character token. A room that does not exist and one that the
 * actor is not in are both `not_found`.
 */

import type { NamedRoom } from "../context/broadcasts.ts";
import type { Repeats } from "../context/repeats.ts";
import type {
  Actor,
  Conversation,
  ConversationType,
  HistoryVisibility,
  LoggedEvent,
  Membership,
  Organization,
  OrganizationEvent,
  OrganizationRole,
  Principal,
  ReadResult,
  Role,
  User,
} from "../model.ts";
import type { Clock } from "../ports/clock.ts";
import type { Following } from "../ports/feed.ts";
import type { CallState } from "../ports/hot.ts";
import type { NamePage, RoomListing } from "../ports/store.ts";
import type { MessageUseCases } from "./messages.ts";
import type { PeopleUseCases } from "./people.ts";
import type { ClientName, Naming, RoomUseCases, RoomView } from "./rooms.ts";

// ── Talking (src/domain/messages/messages.ts, reading.ts, calls.ts, lobby.ts, presence.ts) ───────────────────────────────

export interface Messages {
  /**
   * Appends a message; resolves after the commit. Repeating it with the same `id` returns the first result.
   * Rules: text 1–16,000 code points of well-formed Unicode, id 1–64 characters (255 bytes from Matrix), replyTo an
   * existing message, at most 100 mentions.
   */
  send(actor: Actor, room: string, input: SendInput): Promise<SendResult>;
  /**
   * Moves the author's words in place and appends `message.edited`. Only the author edits. The text before is kept
   * nowhere, also not in the log.
   */
  edit(actor: Actor, room: string, seq: number, input: EditInput): Promise<void>;
  /**
   * Deletes: the message keeps its seq without its text, which is kept nowhere, and counts as unread no more;
   * `message.deleted` follows. The author, or a moderator.
   */
  remove(actor: Actor, room: string, seq: number): Promise<void>;
  /** A page of history as the actor may see it, ascending. `before` and `after` are exclusive, never both. */
  history(
    actor: Actor,
    room: string,
    page: { before?: number; after?: number; limit: number },
  ): Promise<{ events: LoggedEvent[]; more: boolean }>;
  /** Moves the read marker up (never back); past the head is `bad_request` on `seq`. Durable before it resolves. */
  markRead(actor: Actor, room: string, seq: number): Promise<ReadResult>;
}
export interface SendInput {
  id: string;
  text: string;
  /** The seq of the message that is answered. */
  replyTo?: number;
  /** Ids of members (an actor's `id`), or "all". */
  mentions?: string[];
  /** Ids of files that the sender uploaded for this message, at most 20. */
  attachments?: string[];
  /** The text may have up to 32,000 code points; it is `too_large` beyond that. */
  longText?: true;
  /** The id is a Matrix event id, up to 255 bytes long: whoever acts wrote in a Matrix client. */
  fromMatrix?: true;
}
export interface EditInput {
  text: string;
  /** As of {@link SendInput}. Unless told, those of before stay, but for whom the text named and names no more. */
  mentions?: string[];
  /** Replaces the files: ids of the message's own, and of new ones that the author uploaded. */
  attachments?: string[];
}
export interface SendResult {
  seq: number;
  at: number;
  duplicate: boolean;
}

/** Whoever is shown a call hears of each change. */
export interface CallUseCases {
  /**
   * Joins or changes flags (1–7). The first member to join appends `call.started`, others `call.joined` with their first
   * session, exactly once. A session that is not refreshed within `ttlMs` (30 s unless told) is gone.
   */
  join(actor: Actor, room: string, session: string, flags: number, ttlMs?: number): Promise<CallState>;
  /**
   * A member's last session appends `call.left`, and the last member's `call.ended` after it, exactly once. Leaving twice
   * is fine.
   */
  leave(actor: Actor, room: string, session: string): Promise<CallState>;
  /** A session is gone (or was lost for 60 s): leaves every call it was in. */
  sessionGone(actor: Actor, session: string, rooms: readonly NamedRoom[]): Promise<void>;
  /**
   * Lets those leave whom the log has in a call and hot state has not for long, nobody for 45 s after hot state was lost.
   * Run by a timer on every gateway.
   */
  sweep(): Promise<void>;
}

/**
 * Messages between the sessions of a room by which browsers call each other (Talk's internal signaling). Who waits in the
 * lobby sees nobody there but themselves: what they send is passed over, and what is for them waits.
 */
export interface Signaling {
  /**
   * Hands messages to sessions that joined the room, each marked with whom it is from; those for others, or not from the
   * client's own session, are passed over. @throws DomainError `not_found` unless the client has joined
   */
  send(
    actor: Actor,
    token: string,
    messages: readonly SignalingMessage[],
    client?: ClientName,
  ): Promise<void>;
  /**
   * What waits for the client's sessions, with the room and their ids.
   * @throws DomainError `not_found` unless the client has joined
   */
  take(
    actor: Actor,
    token: string,
    client?: ClientName,
  ): Promise<{ messages: string[]; room: RoomView; sessionIds: string[] }>;
  /** `wake` is called when there may be messages for somebody in the room, or when somebody came or went. */
  follow(conversationId: number, wake: () => void): Promise<Following>;
  /** Wakes those who follow. */
  changed(conversationId: number): void;
}
export interface SignalingMessage {
  /** The session that it is from, and for. */
  from: string;
  to: string;
  data: string;
}

/** For those who tell what happens as it happens: they ask whenever who may hear it may have changed. */
export interface Lobby {
  /** Who of these users may read in the room now, and who waits. Who is in neither is not in the room. */
  standings(conversationId: number, userIds: readonly number[]): Promise<Standings>;
}
export interface Standings {
  /** Somebody may have to wait. */
  closed: boolean;
  reading: ReadonlySet<number>;
  waiting: ReadonlySet<number>;
}

/**
 * Who looks at rooms and who types, session by session. Those who look hear when it changes for a person: `presence` and
 * `typing`. Hot state only: when it is away everything resolves all the same. `rooms` are some that the caller knows the
 * actor to be in.
 */
export interface PresenceUseCases {
  /** The session looks at these rooms: refreshes the member's `lastPing` there. */
  ping(actor: Actor, rooms: readonly NamedRoom[], session: string): Promise<void>;
  /** The session closed these rooms, or ended. @returns those in which it was the actor's last one */
  close(actor: Actor, rooms: readonly NamedRoom[], session: string): Promise<number[]>;
  /** Ends by itself after 8 s. */
  typing(actor: Actor, room: string, on: boolean, session: string): Promise<void>;
  /** The session ended while it typed there. */
  stopTyping(actor: Actor, rooms: readonly NamedRoom[], session: string): Promise<void>;
  /** What is now in a room, for somebody who opens it. */
  look(room: NamedRoom): Promise<RoomNow>;
}
export interface RoomNow {
  /** Who looks at it; the 500 who came or gave a sign of life last. */
  present: Actor[];
  typing: Actor[];
  /** Null while nobody is in the call. */
  call: CallState | null;
  /** How far its members have read; the 500 who have read furthest. */
  reads: { actor: Actor; seq: number }[];
}

/** Tells what ended by itself in hot state. Run by timers on every gateway: each end is told by one of them. */
export interface Decay {
  typing(): Promise<void>;
  presence(): Promise<void>;
  calls(): Promise<void>;
}

// ── Rooms (src/domain/rooms/conversations.ts) ───────────────────────────────────────────────────────────────

export interface Conversations {
  list(actor: Actor): Promise<RoomListing[]>;
  /**
   * Makes a room with its people, all or none; users who don't exist for the actor (who are of other organizations
   * only) are `not_found` on `members`. The one-to-one room of two people that exists already is returned.
   */
  create(actor: Actor, input: CreateRoom): Promise<Conversation>;
  /** 1–200 code points after trimming. A name that stays the same makes no event. */
  rename(actor: Actor, room: string, name: string): Promise<Conversation>;
  setReadOnly(actor: Actor, room: string, readOnly: boolean): Promise<Conversation>;
  /**
   * All or none, as in {@link create}. Who is in already keeps their role. `most`: how many members the room may then
   * have (`too_large`).
   * @returns the `member.joined` of those who were not in it before
   */
  addMembers(
    actor: Actor,
    room: string,
    members: { member: Actor; role: Role }[],
    limits?: { most?: number },
  ): Promise<LoggedEvent[]>;
  /** @returns the `member.left` */
  removeMember(actor: Actor, room: string, member: Actor): Promise<LoggedEvent>;
  /** Only owners make and unmake owners. Outside of an organization's chatrooms somebody always moderates. */
  setRole(actor: Actor, room: string, member: Actor, role: Role): Promise<void>;
  /**
   * When nobody is left who moderates, the user who is in the room longest becomes its owner; when nobody is left at
   * all, the room is deleted. An organization's chatrooms stay as they are: its users can claim them.
   * @returns the `member.left`
   */
  leave(actor: Actor, room: string): Promise<LoggedEvent>;
  delete(actor: Actor, room: string): Promise<void>;
}
export interface CreateRoom {
  type: ConversationType;
  /** May be empty for one-to-one rooms. */
  name: string;
  naming?: Naming;
  description?: string | null;
  avatarUrl?: string | null;
  messageTimer?: number | null;
  receiptMode?: number | null;
  access?: string[];
  accessRole?: string;
  organizationId?: number | null;
  /** What new members see of the past; `joined` unless told. */
  history?: HistoryVisibility;
  /** The room's public id. Where it is the id of a room, that one is the answer: it was made before. */
  publicId?: string;
  /** Beside the creator, who becomes an owner. A one-to-one room has exactly one, an owner too. */
  members?: { member: Actor; role: Role }[];
}

// ── Messenger's rooms (src/domain/organizations/chatrooms.ts) and their automation ──────────────────────────────────

/** A chatroom with its people, as Messenger shows it. */
export interface Chatroom {
  conversation: Conversation;
  admins: number[];
  moderators: number[];
  assignedUsers: number[];
}
export interface ChatroomPeople {
  admins?: number[];
  moderators?: number[];
  assignedUsers?: number[];
}

export interface Chatrooms {
  byEvent(principal: Principal, organizationId: number, eventId: number): Promise<Chatroom>;
  list(
    principal: Principal,
    organizationId: number,
    page: { all: boolean; limit: number; offset: number },
  ): Promise<{ entries: Chatroom[]; total: number }>;
  create(
    principal: Principal,
    input: ChatroomPeople & {
      organizationId: number;
      name: string;
      automationEnabled?: boolean;
      avatar?: Uint8Array;
      scheduledDeletion?: number | null;
      /** As in {@link CreateRoom}. */
      publicId?: string;
    },
  ): Promise<Chatroom>;
  createDefault(
    principal: Principal,
    input: { organizationId: number; automationEnabled: boolean; publicId?: string },
  ): Promise<Chatroom>;
  removeDefault(principal: Principal, organizationId: number): Promise<void>;
  /** `room` is the integer id or the Matrix room id, with or without `:server`. */
  get(principal: Principal, room: number | string): Promise<Chatroom>;
  delete(principal: Principal, room: number | string): Promise<void>;
  update(
    principal: Principal,
    room: number | string,
    change: { automationEnabled: boolean },
  ): Promise<Chatroom>;
  /** Makes the caller an owner of a default or event chatroom, or of a custom one that has no owner; else `forbidden`. */
  claim(principal: Principal, room: number | string): Promise<Chatroom>;
  addUsers(principal: Principal, room: number | string, people: ChatroomPeople): Promise<Chatroom>;
  /** Carries out due `scheduledDeletion`s. Run by a timer. */
  sweep(now: number): Promise<void>;
}

// ── Accounts (src/domain/auth/accounts.ts) and the back office (src/domain/organizations/directory.ts) ───────────────────

export interface Accounts {
  /** Handle or e-mail, and password. `unauthorized` for a bad password and an unknown name alike. */
  login(
    login: string,
    password: string,
    options: { persistent: boolean; ip: string },
  ): Promise<{ user: User; accessToken: string; expiresIn: number; cookie: string; cookieExpiresAt: number }>;
  /**
   * A new access token for a login cookie. `expiresIn` is in seconds. `renewed` is the cookie to go on with when a
   * persistent one has had half of its time, and the only one from then on; session cookies are never renewed. No login
   * is renewed beyond its absolute end. Where the owner (a user's id) of the old access token is told, the login must be
   * theirs: else nothing is renewed, and the refusal is on the field `accessToken`.
   */
  refresh(
    cookie: string,
    accessTokenOwner?: number | null,
  ): Promise<{
    user: User;
    accessToken: string;
    expiresIn: number;
    renewed: { cookie: string; cookieExpiresAt: number } | null;
  }>;
  /** The cookie is enough; an access token that comes along must not be another user's. */
  logout(cookie: string, accessToken: string | null): Promise<void>;
  /** An access token, a personal access token, an API token or a JWT. `unauthorized` when it is none of these. */
  authenticate(token: string): Promise<Principal & { version: number }>;
  /** Basic authentication; a verified password is remembered for a short time under a keyed hash. */
  authenticateBasic(login: string, password: string, ip: string): Promise<Principal & { version: number }>;
}

/** What operators and provisioning do; only the admin API and `/cloud` ask this. */
export interface Directory {
  createOrganization(input: { name: string; defaultRoom?: boolean }): Promise<Organization>;
  deleteOrganization(id: number): Promise<void>;
  createUser(input: {
    handle: string;
    password?: string;
    displayName?: string;
    email?: string;
    administrator?: boolean;
    organizations?: { id: number; role: OrganizationRole }[];
  }): Promise<User>;
  updateUser(
    id: number,
    patch: {
      handle?: string;
      password?: string;
      displayName?: string;
      email?: string | null;
      administrator?: boolean;
    },
  ): Promise<User>;
  /** Leaves every room, ends sessions and tokens, deactivates the Matrix account. */
  deleteUser(id: number): Promise<void>;
  /**
   * Ends all logins of the user: cookies, access tokens, the sessions of both on every gateway, JWTs that were issued
   * before, and the user's devices and password in Matrix. A new password does so too. Personal access tokens stay.
   */
  endLogins(id: number): Promise<void>;
  putOrganizationUser(organizationId: number, userId: number, role: OrganizationRole): Promise<void>;
  removeOrganizationUser(organizationId: number, userId: number): Promise<void>;
  putGroup(id: string, input: { name: string; members: string[] }): Promise<void>;
  deleteGroup(id: string): Promise<void>;
  createToken(input: {
    userId?: number;
    organizationId?: number;
    name: string;
    expiresAt?: number | null;
  }): Promise<{ id: number; token: string; expiresAt: number | null }>;
  deleteToken(id: number): Promise<void>;
  putEvent(input: OrganizationEvent): Promise<Conversation | null>;
  deleteEvent(organizationId: number, eventId: number): Promise<void>;
}

/**
 * Users and groups, for administrators (`forbidden` to everybody else). Users are named by their handles; whoever does
 * not exist is `not_found`, what exists already `conflict`.
 */
export interface Provisioning {
  /** Handles, in order. */
  users(caller: User, page: NamePage): Promise<string[]>;
  /** Ids, in order. */
  groups(caller: User, page: NamePage): Promise<string[]>;
  /** Handles of the users in a group. */
  groupUsers(caller: User, groupId: string): Promise<string[]>;
  /** Anybody sees themselves. */
  user(caller: User, handle: string): Promise<{ user: User; groups: string[] }>;
  createUser(
    caller: User,
    input: { handle: string; password: string; displayName?: string; email?: string },
  ): Promise<User>;
  updateUser(
    caller: User,
    handle: string,
    patch: { displayName?: string; password?: string; email?: string | null },
  ): Promise<void>;
  deleteUser(caller: User, handle: string): Promise<void>;
  addToGroup(caller: User, handle: string, groupId: string): Promise<void>;
  createGroup(caller: User, groupId: string): Promise<void>;
  deleteGroup(caller: User, groupId: string): Promise<void>;
}

/** Everything, as the composition root hands it to the faces. */
export interface UseCases extends RoomUseCases, MessageUseCases, PeopleUseCases {
  clock: Clock;
  messages: Messages;
  calls: CallUseCases;
  presence: PresenceUseCases;
  decay: Decay;
  lobby: Lobby;
  conversations: Conversations;
  signaling: Signaling;
  chatrooms: Chatrooms;
  accounts: Accounts;
  directory: Directory;
  provisioning: Provisioning;
  repeats: Repeats;
}

/** The people of a room, grouped as Messenger shows them. */
export function peopleOf(members: readonly Membership[]): Omit<Chatroom, "conversation"> {
  const users = members.flatMap((m) => (m.userId === null ? [] : [{ id: m.userId, role: m.role }]));
  return {
    admins: users.filter((u) => u.role === "owner").map((u) => u.id),
    moderators: users.filter((u) => u.role === "moderator").map((u) => u.id),
    assignedUsers: users.filter((u) => u.role !== "owner" && u.role !== "moderator").map((u) => u.id),
  };
}
