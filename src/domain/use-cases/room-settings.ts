/** What rooms are, and how members see them. Part of {@link UseCases}; the same promises hold. */
import type { Actor, LoggedEvent, Membership, MembershipSettings, Posting, Room } from "../model.ts";

/** `event` is the `room.changed` that tells of the change; null when everything was so already. */
export interface Change {
  room: Room;
  event: LoggedEvent | null;
}

/** How long a name may be, and whether there must be one: 1–200 code points, or Wire's 0–256. */
export type Naming = "strict" | "wire";

/** What may be changed of a room at once. Each field needs the permission that changing it alone needs. */
export interface RoomUpdate {
  name?: string | undefined;
  description?: string | null | undefined;
  /** Also takes the place of a picture that is kept for the room; null is none. */
  avatarUrl?: string | null | undefined;
  /** The id of an image that the actor uploaded and did not send yet, at most 1 MiB; its bytes are copied. Null is none. */
  avatar?: string | null | undefined;
  /** Replaces the set of users. The actor stays, as do guests and Matrix members. */
  members?: Actor[] | undefined;
  type?: "group" | "public" | undefined;
  /** Of public rooms only (`forbidden`). Null and empty remove it; the one that it is changes nothing. */
  password?: string | null | undefined;
  readOnly?: boolean | undefined;
  posting?: Posting | undefined;
  lobby?: boolean | undefined;
  /** When the lobby opens by itself, ms; null: never. Of a closed lobby only (`bad_request`). */
  lobbyUntil?: number | null | undefined;
  messageTimer?: number | null | undefined;
}

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
  /** Several things at once, all or none, with one event. What is not given stays. */
  update(actor: Actor, room: string, patch: RoomUpdate): Promise<Change>;
  /** Opens lobbies whose time has come. Run by a timer. */
  sweep(now: number): Promise<void>;
}

// ── Guest links (src/domain/rooms/guest-links.ts) ───────────────────────────────────────────────────────────

/** What opens a room to strangers. */
export interface GuestLink {
  key: string;
  code: string;
}

/** A link as whoever has it names it: without a `key` its code alone. */
export interface NamedLink {
  key?: string | undefined;
  code: string;
}

/**
 * Of rooms whose access does not have "code" (for `joinById` "link") each of them is refused with `forbidden` on `access`.
 * Joining is too where the access role does not let the actor in; on `organizationId` where only an organization may.
 */
export interface GuestLinks {
  /** @throws DomainError `not_found` on `code` when the room has none */
  get(actor: Actor, room: string): Promise<GuestLink>;
  /**
   * Makes or takes away the link. Any member may while the room's access has "code"; a moderator who makes it puts "code"
   * into the access, one who takes it away takes "code" out. `password` is what joining by the link needs from now on;
   * null and empty: none; unset: as it is.
   */
  set(
    actor: Actor,
    room: string,
    link: { on: boolean; password?: string | null | undefined },
  ): Promise<Change>;
  /** A room has one link; without an event it had it already. */
  create(actor: Actor, room: string): Promise<Change>;
  remove(actor: Actor, room: string): Promise<Change>;
  /** For whoever has a link: is it one? @throws DomainError `not_found` on `code` */
  check(link: NamedLink): Promise<void>;
  /**
   * The room that the actor would join, and whether they are in it. `from` is the actor's address, for limits.
   * @throws DomainError `not_found` on `code`; `forbidden` on `access` and `organizationId`; `rate_limited`
   */
  preview(
    actor: Actor,
    link: NamedLink,
    limits?: { from?: string | undefined },
  ): Promise<{ room: Room; member: boolean }>;
  /**
   * `event` is the actor's `member.joined`, null when they are in the room already; `most`: how many members it may have.
   * `from` is the actor's address, for limits.
   * @throws DomainError `not_found` on `code`; `forbidden` on `password`; `rate_limited`; `too_large` on `members`
   */
  join(
    actor: Actor,
    link: NamedLink,
    limits?: { most?: number; password?: string | undefined; from?: string | undefined },
  ): Promise<Change>;
  /** By the room's UUID, where its access has "link". @throws DomainError `not_found` on `room` */
  joinById(actor: Actor, uuid: string, limits?: { most?: number }): Promise<Change>;
}

// ── A member's own settings (src/domain/entries/member-settings.ts) ───────────────────────────────────────────

/** `archived` stands for `archivedAt`: true keeps the time of the first time. */
export type SettingsPatch = {
  [Field in keyof MembershipSettings]?: MembershipSettings[Field] | undefined;
} & { archived?: boolean | undefined };

/**
 * No event tells of them; the user's own sessions hear of the changed entry, and their readers `settings` (ports/feed.ts).
 * Guests have none (`forbidden`).
 */
export interface MemberSettings {
  get(actor: Actor, room: string): Promise<Membership>;
  /**
   * `muted` and `mutedStatus` are one thing under two names: `muted` is `mutedStatus` > 0. `mutedUntil` mutes until then;
   * muting without it is for good. What is so already is no change.
   * @throws DomainError `bad_request` for an unknown notification level, or a `mutedUntil` that is not to come
   */
  change(actor: Actor, room: string, patch: SettingsPatch): Promise<Membership>;
  /** Ends the muting of rooms whose time has come. Run by a timer. */
  sweep(): Promise<void>;
  /** The user looks at these rooms now: `lastOpenedAt`. Never fails. */
  opened(actor: Actor, roomIds: readonly number[]): Promise<void>;
}
