/**
 * What faces may ask about rooms and the people in them, beyond talking: finding and listing, one-to-one rooms, joining
 * and leaving, roles, a room's settings and a member's own. Part of {@link UseCases}; the same promises hold.
 */
import type {
  Actor,
  Conversation,
  ConversationType,
  LoggedEvent,
  Membership,
  MembershipSettings,
  ReadResult,
  User,
} from "../model.ts";
import type { CallState } from "../ports/hot.ts";
import type { RoomListing } from "../ports/store.ts";

// ── Finding and listing (src/domain/rooms/room-lookup.ts, views.ts) ────────────────────────────────────────

/** One of a person's clients, as a face tells it apart from their others. */
export interface ClientName {
  /** What it joins rooms under; without spaces and `@`. */
  id: string;
  /** What `:` and the id of everything contain that is taken for this client. */
  part: string;
}

/** A client of a person that is in a room. */
export interface PersonSession {
  /** Its name in hot state. */
  name: string;
  /** 512 characters. */
  sessionId: string;
  lastPing: number;
  /** 0: it is not in the call. */
  callFlags: number;
}

/** A member of a room, with the account behind it. */
export interface RoomPerson {
  membership: Membership;
  /** The member as an actor; an unnamed guest's name is empty. */
  actor: Actor;
  /** Null for guests and Matrix members. */
  user: User | null;
  /** Of each client with which they joined the room and were seen there within 100 s, in the order of joining. */
  sessions: PersonSession[];
  /** That of one of the `sessions`, of one in the call where there is one; null where there are none. */
  sessionId: string | null;
  /** When the member was last seen in the room, ms; 0: never, or (in lists of rooms) not within 100 s. */
  lastPing: number;
  /** The OR of the call flags of the member's sessions; 0: not in the call. */
  callFlags: number;
}

/** A room as one of its members sees it. Hot state that is away shows as nobody being there. */
export interface RoomView extends RoomListing {
  me: RoomPerson;
  /** Everybody in the room, in order of joining, me included; me alone while I wait in the lobby. */
  people: RoomPerson[];
  /** The other of a one-to-one room, also when they left it; null for other rooms and deleted users. */
  peer: User | null;
  /** Members seen within 30 s. */
  active: number;
  /** Guests seen within 100 s. */
  activeGuests: number;
  call: CallState;
  /** I have to wait in the lobby. */
  waiting: boolean;
}

/** A room by any of its names. */
export type RoomName = { token: string } | { uuid: string } | { publicId: string } | { id: number };

export interface Finding {
  /** All rooms of the member, newest activity first. */
  list(actor: Actor): Promise<RoomView[]>;
  /** @throws DomainError `not_found` unless the actor is in the room */
  view(actor: Actor, room: RoomName): Promise<RoomView>;
  /**
   * A room for whoever asks: members see their view, everybody else (null: nobody in particular) only that a public room
   * is there. @throws DomainError `not_found`
   */
  find(
    actor: Actor | null,
    token: string,
  ): Promise<{ member: true; view: RoomView } | { member: false; conversation: Conversation }>;
  /**
   * The room whatever it is, and the actor's membership in it. It tells that a room exists to somebody who is not in it:
   * only for names that can't be guessed (UUID, public id). Null when there is none.
   */
  locate(
    actor: Actor,
    room: RoomName,
  ): Promise<{ conversation: Conversation; membership: Membership | null } | null>;
  /** The ids of the member's rooms, by UUID ascending; `after` is exclusive. */
  ids(actor: Actor, page: { after?: string; limit: number }): Promise<{ uuids: string[]; more: boolean }>;
  /** As {@link ids}, with the rooms; `uuids` instead of a page keeps those of them that the member is in. */
  page(
    actor: Actor,
    page: { after?: string; limit: number } | { uuids: string[] },
  ): Promise<{ rooms: RoomView[]; more: boolean }>;
  /**
   * A page of the member's rooms, newest activity first. Cursors are public ids of the member's rooms, or of rooms that
   * were the member's when they were deleted (for 30 days); `endingBefore` gives the page before it, in the same order.
   * @throws DomainError `bad_request` for an unknown or foreign cursor, both cursors, or a limit outside of 1–100
   */
  recent(actor: Actor, page: RecentPage): Promise<{ rooms: RoomView[]; more: boolean }>;
  /** A group of users, with those of its members who exist for the actor. @throws DomainError `not_found` */
  group(actor: Actor, groupId: string): Promise<{ id: string; name: string; members: Actor[] }>;
}
export interface RecentPage {
  startingAfter?: string;
  endingBefore?: string;
  limit: number;
  types?: ConversationType[];
  publicId?: string;
  /** Only rooms that are (`true`), or are not (`false`). */
  muted?: boolean;
  archived?: boolean;
  pinned?: boolean;
}

// ── One-to-one rooms (src/domain/rooms/one-to-one.ts) ───────────────────────────────────────────────────────

/**
 * One room for each pair of users, owned by both, the same on every face. Who left it is brought back by the other's
 * next message or call; the last one to leave deletes it.
 */
export interface OneToOne {
  /**
   * The room of the two, made when there is none; whoever of them left is in it again.
   * @throws DomainError `forbidden` with oneself; `not_found` on `members` when the other does not exist for the actor
   */
  open(
    actor: Actor,
    other: Actor,
    made?: { history?: Conversation["history"] },
  ): Promise<{ conversation: Conversation; created: boolean }>;
  /** The user's room with nobody else in it (Wire's type 1): a one-to-one room whose `pair` is twice the user. */
  openSelf(actor: Actor): Promise<{ conversation: Conversation; created: boolean }>;
  /** Deletes it for both. While one of them blocks the other only the actor leaves it: the other keeps what was said. */
  delete(actor: Actor, room: string): Promise<void>;
}

// ── Participants (src/domain/rooms/participants.ts, joining.ts, visits.ts, guests.ts) ────────────────────────

/** What one client of a person does never ends what another one has; without `client` a person has just one. */
export interface Participants {
  /** A new guest's secret, for a cookie. */
  newGuestSecret(): string;
  /** Who holds the secret, in this room: another guest in every room, the same one after a restart. */
  guest(secret: string, token: string): Promise<Actor>;
  /** The `id` of the guest with this session. */
  guestIdOf(sessionId: string): string;

  /**
   * Comes into the room to be seen there. Members are let in; strangers into public rooms only, with the password where
   * there is one, and become guests or self-joined members.
   * `from` is a stranger's address, for limits; `secret` is that of a guest, who comes back under the name of before.
   * @throws DomainError `not_found`; `forbidden` on `password`, and for a guest whom a moderator took out; `rate_limited`;
   *   `busy` when the room is full of guests
   */
  join(
    actor: Actor,
    token: string,
    input?: { password?: string; from?: string; secret?: string; client?: ClientName },
  ): Promise<RoomView>;
  /**
   * The opposite, with the call. Guests and self-joined members are members no longer, once no client of theirs is there.
   * Never refuses anybody.
   */
  leave(actor: Actor, token: string, client?: ClientName): Promise<void>;
  /**
   * A sign of life from a client that joined: refreshes presence and its place in the call, or puts them back where hot
   * state was lost. @returns whether it has joined; one who has not stays so
   */
  ping(actor: Actor, token: string, client?: ClientName): Promise<boolean>;
  /** Says to everybody who looks that the actor types, or stopped; it ends by itself after 8 s. */
  typing(actor: Actor, token: string, on: boolean, client?: ClientName): Promise<void>;

  /** `messages.markRead`, told to the user's sessions on the WebSocket and to those who look at the room. */
  markRead(actor: Actor, token: string, seq: number): Promise<ReadResult>;

  /** Everybody in the room, in order of joining. @throws DomainError `forbidden` for guests; `lobby` */
  list(actor: Actor, token: string): Promise<RoomPerson[]>;

  /** Adds the users of a group who exist for the actor. @throws DomainError `not_found` on `group` */
  addGroup(actor: Actor, token: string, groupId: string): Promise<LoggedEvent[]>;
  /** Invites an address: the room becomes public. */
  addEmail(actor: Actor, token: string, email: string): Promise<Change>;
  /** Takes a user out for good. Owners are never taken out (`forbidden`); oneself as in {@link removeSelf}. */
  remove(actor: Actor, token: string, member: Actor): Promise<void>;
  /** `bad_request` unless the session is a guest's; `forbidden` for oneself; `not_found`. */
  removeGuest(actor: Actor, token: string, sessionId: string): Promise<void>;
  /** Leaves for good. `bad_request` for the last one who moderates while other users remain. */
  removeSelf(actor: Actor, token: string): Promise<void>;
  /** user → moderator, guest → guest moderator; anybody else is `bad_request`. */
  promote(actor: Actor, token: string, member: Actor): Promise<void>;
  /** The opposite; oneself is `forbidden`. */
  demote(actor: Actor, token: string, member: Actor): Promise<void>;
  /** A guest's name in this room; 0–64 characters. @throws DomainError `forbidden` for others than guests */
  setGuestName(actor: Actor, token: string, name: string): Promise<void>;

  /** Joins the call as the client that joined the room (`not_found` until then), with flags 1–7. */
  joinCall(actor: Actor, token: string, flags: number, client?: ClientName): Promise<CallState>;
  leaveCall(actor: Actor, token: string, client?: ClientName): Promise<CallState>;
  /** Who is in the call. @throws DomainError `read_only`; `lobby` */
  peers(actor: Actor, token: string): Promise<RoomPerson[]>;

  /** Removes guests who were not seen for a while, nobody for 45 s after hot state was lost. Run by a timer on every gateway. */
  sweep(): Promise<void>;
}

// ── A room's settings (src/domain/rooms/settings.ts) ───────────────────────────────────────────────────

/** `event` is the `room.changed` that tells of the change; null when everything was so already. */
export interface Change {
  conversation: Conversation;
  event: LoggedEvent | null;
}

/** How long a name may be, and whether there must be one: 1–200 code points, or Wire's 0–256. */
export type Naming = "strict" | "wire";

export interface RoomSettings {
  /** Unlike `conversations.rename` with Wire's names, and in one-to-one rooms too. */
  rename(actor: Actor, room: string, name: string, naming?: Naming): Promise<Change>;
  /** Public rooms are found and joined by whoever has the token. Going private takes guests and self-joined members out. */
  setPublic(actor: Actor, room: string, on: boolean): Promise<Change>;
  /** Of public rooms only (`forbidden`). Empty removes it; any other one counts as a change. */
  setPassword(actor: Actor, room: string, password: string): Promise<Change>;
  setReadOnly(actor: Actor, room: string, on: boolean): Promise<Change>;
  /** `until`: when the lobby opens by itself, ms; null: never. */
  setLobby(actor: Actor, room: string, lobby: { on: boolean; until?: number | null }): Promise<Change>;
  /** Milliseconds; null: off. Negative ones count as 0, which is off too but told apart. */
  setMessageTimer(actor: Actor, room: string, ms: number | null): Promise<Change>;
  /** An int32 that clients give a meaning; null until it is set. */
  setReceiptMode(actor: Actor, room: string, mode: number): Promise<Change>;
  /** Wire's access, kept and shown. A guest link goes with "code". */
  setAccess(actor: Actor, room: string, access: { access: string[]; accessRole: string }): Promise<Change>;
  /**
   * Several things at once, all or none. `members` replaces the set of users (the actor stays, as do guests and Matrix
   * members). `avatarUrl` also takes the place of a picture that is kept for the room; null is none.
   */
  update(
    actor: Actor,
    room: string,
    patch: { name?: string; description?: string | null; avatarUrl?: string | null; members?: Actor[] },
  ): Promise<Change>;
  /** Opens lobbies whose time has come. Run by a timer. */
  sweep(now: number): Promise<void>;
}

// ── Guest links (src/domain/rooms/guest-links.ts) ───────────────────────────────────────────────────────────

/** What opens a room to strangers. */
export interface GuestLink {
  key: string;
  code: string;
}

/**
 * Of rooms whose access does not have "code" (for `joinById` "link") each of them is refused with `forbidden` on `access`.
 * Joining is too where the access role does not let the actor in; on `organizationId` where only an organization may.
 */
export interface GuestLinks {
  /** @throws DomainError `not_found` on `code` when the room has none */
  get(actor: Actor, room: string): Promise<GuestLink>;
  /** A room has one link; without an event it had it already. */
  create(actor: Actor, room: string): Promise<Change>;
  remove(actor: Actor, room: string): Promise<Change>;
  /** For whoever has a link: is it one? @throws DomainError `not_found` on `code` */
  check(link: GuestLink): Promise<void>;
  /** The room that the actor would join. @throws DomainError `not_found` on `code` */
  preview(actor: Actor, link: GuestLink): Promise<Conversation>;
  /**
   * `event` is the actor's `member.joined`, null when they are in the room already; `most`: how many members it may have.
   * @throws DomainError `not_found` on `code`; `too_large` on `members`
   */
  join(actor: Actor, link: GuestLink, limits?: { most?: number }): Promise<Change>;
  /** By the room's UUID, where its access has "link". @throws DomainError `not_found` on `room` */
  joinById(actor: Actor, uuid: string, limits?: { most?: number }): Promise<Change>;
}

// ── A member's own settings (src/domain/rooms/member-settings.ts) ───────────────────────────────────────────

/** No event tells of them; the user's own readers hear `settings` (ports/feed.ts). Guests have none (`forbidden`). */
export interface MemberSettings {
  get(actor: Actor, room: string): Promise<Membership>;
  /**
   * `muted` and `mutedStatus` are one thing under two names: `muted` is `mutedStatus` > 0.
   * @throws DomainError `bad_request` for an unknown notification level
   */
  change(actor: Actor, room: string, patch: Partial<MembershipSettings>): Promise<Membership>;
  /** The user looks at these rooms now: `lastOpenedAt`. Never fails. */
  opened(actor: Actor, conversationIds: readonly number[]): Promise<void>;
}

export interface RoomUseCases {
  finding: Finding;
  oneToOne: OneToOne;
  participants: Participants;
  roomSettings: RoomSettings;
  guestLinks: GuestLinks;
  memberSettings: MemberSettings;
}
