/** The people of a room: who is in it, who comes in and goes, and guests. Part of {@link UseCases}; the same promises hold. */
import type { Actor, LoggedEvent, Role, Room, User } from "../model.ts";
import type { CallState } from "../ports/hot.ts";
import type { Change } from "./room-settings.ts";
import type { ClientName, RoomPerson, RoomView } from "./rooms.ts";

/** A member in a page of a room's members. */
export interface ListedMember {
  /** An unnamed guest's name is empty. */
  actor: Actor;
  /** Null for guests and Matrix members. */
  user: User | null;
  role: Role;
  /** When they last looked at the room, ms; 0: never, or nobody can tell now. */
  lastPing: number;
  /** They look at the room now. */
  present: boolean;
}
export interface MemberPage {
  members: ListedMember[];
  /** The `after` of the next page; null at the end. */
  next: string | null;
}

/** The members of a room and their roles. `token` is the room's; `member` is somebody in it, `not_found` otherwise. */
export interface Roster {
  /** Everybody in the room, in order of joining. @throws DomainError `forbidden` for guests; `lobby` */
  list(actor: Actor, token: string): Promise<RoomPerson[]>;
  /**
   * A page of the members, in order of joining. The work for a page does not grow with the room, but for `query`, which
   * keeps those whose name or handle holds it, in any case (200 code points at most).
   * @throws DomainError as {@link list}; `bad_request` for a `limit` outside of 1–200, and an `after` that is no page's
   */
  page(
    actor: Actor,
    token: string,
    page: { after?: string | undefined; limit: number; query?: string | undefined },
  ): Promise<MemberPage>;
  /** Who is in the call. @throws DomainError `read_only`; `lobby` */
  peers(actor: Actor, token: string): Promise<RoomPerson[]>;

  /**
   * Adds the users of a group who exist for the actor, all of them or nobody, as `user` unless told.
   * @throws DomainError `not_found` on `group`
   */
  addGroup(actor: Actor, token: string, groupId: string, role?: Role): Promise<LoggedEvent[]>;
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
}

/**
 * Coming into a room to be seen there, as Talk's clients do. What one client of a person does never ends what another one
 * has; without `client` a person has just one.
 */
export interface Joining {
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
   * Becomes a member of a public room, as in {@link join}, without being seen there.
   * @returns the room; `event` is the actor's `member.joined`, null when they are in it already
   */
  enter(
    actor: Actor,
    token: string,
    comer?: { password?: string | undefined; from?: string | undefined },
  ): Promise<Change>;
  /**
   * The room that the actor could {@link enter}, or is in. `from` is a stranger's address, for limits.
   * @throws DomainError `not_found`; `rate_limited`
   */
  look(
    actor: Actor,
    token: string,
    limits?: { from?: string | undefined },
  ): Promise<{ room: Room; member: boolean }>;
  /**
   * The opposite of {@link join}, with the call. Guests and self-joined members are members no longer, once no client of theirs is there.
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

  /** Joins the call as the client that joined the room (`not_found` until then), with flags 1–7. */
  joinCall(actor: Actor, token: string, flags: number, client?: ClientName): Promise<CallState>;
  /** Leaves the call as the client that joined the room (`not_found` until then). */
  leaveCall(actor: Actor, token: string, client?: ClientName): Promise<CallState>;
}

/** People without an account, whom a secret in a cookie of their browser names. */
export interface Guests {
  /** A new guest's secret, for a cookie. */
  newSecret(): string;
  /** The guest of this room who holds the secret: another one in every room, the same one after a restart. */
  actorOf(secret: string, token: string): Promise<Actor>;
  /** The `id` of the guest with this session. */
  idOf(sessionId: string): string;
  /** A guest's name in this room; 0–64 characters. @throws DomainError `forbidden` for others than guests */
  setName(actor: Actor, token: string, name: string): Promise<void>;
  /** Removes guests who were not seen for a while, nobody for 45 s after hot state was lost. Run by a timer on every gateway. */
  sweep(): Promise<void>;
}
