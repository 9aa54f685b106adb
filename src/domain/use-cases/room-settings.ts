/** What rooms are, and how members see them. Part of {@link UseCases}; the same promises hold. */
import type { Actor, LoggedEvent, Membership, MembershipSettings, Room } from "../model.ts";

/** `event` is the `room.changed` that tells of the change; null when everything was so already. */
export interface Change {
  room: Room;
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
  preview(actor: Actor, link: GuestLink): Promise<Room>;
  /**
   * `event` is the actor's `member.joined`, null when they are in the room already; `most`: how many members it may have.
   * @throws DomainError `not_found` on `code`; `too_large` on `members`
   */
  join(actor: Actor, link: GuestLink, limits?: { most?: number }): Promise<Change>;
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
