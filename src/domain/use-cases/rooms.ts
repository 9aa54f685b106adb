/**
 * What faces may ask about rooms and the people in them, beyond talking: finding and listing, one-to-one rooms, joining
 * and leaving, roles, a room's settings and a member's own. Part of {@link UseCases}; the same promises hold.
 */
import type { Actor, LoggedEvent, Membership, Room, RoomType, User } from "../model.ts";
import type { CallState } from "../ports/hot.ts";
import type { RoomListing } from "../ports/store/room-lists.ts";

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
  ): Promise<{ member: true; view: RoomView } | { member: false; room: Room }>;
  /**
   * The room whatever it is, and the actor's membership in it. It tells that a room exists to somebody who is not in it:
   * only for names that can't be guessed (UUID, public id). Null when there is none.
   */
  locate(actor: Actor, room: RoomName): Promise<{ room: Room; membership: Membership | null } | null>;
  /** The names of the member's rooms, by UUID ascending; `after` is exclusive. */
  names(
    actor: Actor,
    page: { after?: string; limit: number },
  ): Promise<{ rooms: { uuid: string; token: string }[]; more: boolean }>;
  /** As {@link names}, with the rooms; `uuids` instead of a page keeps those of them that the member is in. */
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
  types?: RoomType[];
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
    made?: { history?: Room["history"] },
  ): Promise<{ room: Room; created: boolean }>;
  /** The user's room with nobody else in it (Wire's type 1): a one-to-one room whose `pair` is twice the user. */
  openSelf(actor: Actor): Promise<{ room: Room; created: boolean }>;
  /**
   * Deletes it for both. While one of them blocks the other only the actor leaves it: the other keeps what was said.
   * @returns whether the actor had it: false where it was done before
   * @throws DomainError `bad_request` on `room` for a room of another type
   */
  delete(actor: Actor, room: string): Promise<boolean>;
}

// ── Requests from Matrix (src/domain/rooms/matrix-requests.ts) ─────────────────────────────────────────────────────

/** One-to-one rooms that people of Matrix ask for, and blocking these people. */
export interface MatrixRequests {
  /**
   * Somebody in Matrix asks a user for a one-to-one room. It is a request (`Room.request`) until the user accepts; who leaves it
   * refuses it, and it is gone. A pair has one room at most: where one of the two left it, it becomes a request again.
   * @returns the request, also one that was there before
   * @throws DomainError `not_found` for a user who does not exist for that person (of an organization, unless they share a
   *   room), or blocks them; `conflict` where the two have their room; `too_large` where too many wait for the user's answer,
   *   or of that person's; `rate_limited`
   */
  ask(person: Actor, userId: number): Promise<Room>;
  /** `event` is null where the room is no request. @throws DomainError `not_found` */
  accept(actor: Actor, roomId: number): Promise<{ room: Room; event: LoggedEvent | null }>;
  /**
   * Refuses what that person asks now and later, and shuts the room that the two have.
   * @returns false where that person is blocked already @throws DomainError `bad_request`, `too_large`
   */
  block(actor: Actor, matrixId: string): Promise<boolean>;
  /** Opens the room of the two again. @returns false where that person is not blocked */
  unblock(actor: Actor, matrixId: string): Promise<boolean>;
  /** The Matrix ids of those whom the actor blocks, the last one first; at most 1,000. */
  blocked(actor: Actor): Promise<string[]>;
}
