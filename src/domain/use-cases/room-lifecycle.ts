/** Making and deleting rooms. Part of {@link UseCases}; the same promises hold. */
import type { Actor, HistoryVisibility, LoggedEvent, Role, Room, RoomType } from "../model.ts";
import type { RoomListing } from "../ports/store/room-lists.ts";
import type { Naming } from "./room-settings.ts";

export interface RoomLifecycle {
  list(actor: Actor): Promise<RoomListing[]>;
  /**
   * Makes a room with its people, all or none; users who don't exist for the actor (who are of other organizations
   * only) are `not_found` on `members`. The one-to-one room of two people that exists already is returned.
   */
  create(actor: Actor, input: CreateRoom): Promise<Room>;
  /**
   * As {@link create}, once for each `key` of the actor (1–64 characters): a repetition finds the room that was made, whatever
   * `input` says. `created`: this call made it. @throws DomainError `not_found` where it was deleted since
   */
  createOnce(
    actor: Actor,
    key: string,
    input: Omit<CreateRoom, "publicId">,
  ): Promise<{ room: Room; created: boolean }>;
  /** 1–200 code points after trimming. A name that stays the same makes no event. */
  rename(actor: Actor, room: string, name: string): Promise<Room>;
  setReadOnly(actor: Actor, room: string, readOnly: boolean): Promise<Room>;
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
  /** Oneself: {@link leave}. @returns the `member.left`; null where `member` was not in the room */
  removeMember(actor: Actor, room: string, member: Actor): Promise<LoggedEvent | null>;
  /**
   * Only owners make and unmake owners. Outside of an organization's chatrooms somebody always moderates.
   * @returns the `member.changed`; null where they had the role already
   */
  setRole(actor: Actor, room: string, member: Actor, role: Role): Promise<LoggedEvent | null>;
  /**
   * When nobody is left who moderates, the user who is in the room longest becomes its owner; when nobody is left at
   * all, the room is deleted. An organization's chatrooms stay as they are: its users can claim them.
   * @returns the `member.left`; null where the actor was in the room and left it before
   */
  leave(actor: Actor, room: string): Promise<LoggedEvent | null>;
  /** @returns whether it was there: false where it was a room of the actor's when it was deleted */
  delete(actor: Actor, room: string): Promise<boolean>;
}
export interface CreateRoom {
  type: RoomType;
  /** May be empty for one-to-one rooms. */
  name: string;
  naming?: Naming;
  description?: string | null;
  avatarUrl?: string | null;
  /** The id of an image that the actor uploaded and did not send yet; its bytes are copied. */
  avatar?: string | null;
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
