/** What one transaction may read and write. ./store.ts says what callers may rely on. */
import type {
  Actor,
  ChatroomKind,
  EventData,
  EventType,
  HistoryVisibility,
  LoggedEvent,
  MemberKey,
  Membership,
  Picture,
  Role,
  Room,
  RoomHead,
  RoomType,
} from "../../model.ts";
import type { DeletionWrites } from "./accounts/deletions.ts";
import type { MatrixPeopleWrites } from "./accounts/matrix-people.ts";
import type { OrganizationWrites } from "./accounts/organizations.ts";
import type { PeopleWrites } from "./accounts/people.ts";
import type { UserWrites } from "./accounts/users.ts";
import type { MessageWrites } from "./messages.ts";
import type { UploadWrites } from "./uploads.ts";
import type { VisitWrites } from "./visits.ts";
import type { WebhookWrites } from "./webhooks.ts";

export interface NewRoom {
  organizationId: number | null;
  type: RoomType;
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

/** `avatar` takes the place of the picture that is kept; the `avatarId` null removes it. */
export type RoomPatch = { avatarId?: null; avatar?: Picture } & Partial<
  Pick<
    Room,
    | "name"
    | "description"
    | "type"
    | "automationEnabled"
    | "readOnly"
    | "posting"
    | "lobby"
    | "lobbyUntil"
    | "passwordHash"
    | "scheduledDeletion"
    | "avatarUrl"
    | "pair"
    | "blocked"
    | "request"
    | "messageTimer"
    | "receiptMode"
    | "access"
    | "accessRole"
    | "guestCode"
    | "guestPasswordHash"
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

export interface RoomWrites {
  /** Locks the rooms in id order and reads them as they are now. Deleted and unknown rooms are left out. */
  lockRooms(roomIds: number[]): Promise<Room[]>;
  /** A new room with an empty log, locked. A name taken in the organization (Messenger rooms) throws `conflict` on `name`. */
  createRoom(input: NewRoom): Promise<Room>;
  /** Bumps the room's access version. A name taken in the organization throws `conflict` on `name`. */
  updateRoom(roomId: number, patch: RoomPatch): Promise<Room>;
  /**
   * Removes the room with its members; the id is never used again. Its log is removed in the background, a minute
   * later: until then `range` and `event` still serve whoever has to learn of `room.deleted`.
   */
  deleteRoom(roomId: number): Promise<void>;
}

/** Which rooms to lock next. */
export interface RoomFinds {
  /** Ids of an organization's rooms, ascending, to be locked next. Lock the organization first: then none is made meanwhile. */
  organizationRooms(organizationId: number, which: OrganizationRooms): Promise<number[]>;
  /** Ids of the rooms that a member is in, ascending, to be locked next. */
  roomIdsOf(member: MemberKey): Promise<number[]>;
  /**
   * The room of the pair, whoever of them is in it, or null. Holds the pair until the commit, so that nobody else makes
   * theirs.
   */
  oneToOne(a: MemberKey, b: MemberKey): Promise<number | null>;
}

export interface MemberWrites {
  /** The members of a room as they are now, in order of joining; `keys` narrows, `limit` cuts. */
  members(roomId: number, keys?: MemberKey[], limit?: number): Promise<Membership[]>;
  /** How many members there are, and how many of them are guests. */
  countMembers(roomId: number): Promise<{ members: number; guests: number }>;
  /**
   * Adds members; existing ones get the role and the name. Append one event per entry right after, in the same order
   * (`member.joined`, or `member.changed`): the n-th entry (from 1) is taken to join at `head + n`. Its `joinedSeq` and
   * read marker are that seq, with the room's message count of now, so nothing is unread; visible history starts
   * with that event where it is `joined`, at the beginning where it is `shared`. A member may stand in the list once.
   * Bumps the access version and the users' versions.
   */
  putMembers(roomId: number, members: NewMember[]): Promise<void>;
  /** Bumps the access version and the users' versions. */
  removeMembers(roomId: number, keys: MemberKey[]): Promise<void>;
}

/** The log of a room, for what is no new message. */
export interface Rewritten {
  text: string;
  edited: number;
  mentions?: readonly string[];
  format?: "markdown" | null;
}

/** What a message said that is deleted now, where it matters to others. */
export interface ErasedMessage {
  seq: number;
  mentions: readonly string[];
  thread: number | undefined;
}

export interface EventWrites {
  /**
   * Appends events other than messages, in order, each with the next seq. Call state follows: `call.started` while a
   * call runs, and what else happens to a call while none does, are left out of the log and of the answer. A
   * `message.edited` takes the text out of the one before it of the same message (`{seq, hidden: true}`).
   */
  appendEvents(roomId: number, events: NewEvent[]): Promise<LoggedEvent[]>;
  /**
   * Replaces a message's text in place, with its mentions and format (null: none) where they are given, and marks it edited. False
   * when there is no such message, or it was deleted.
   */
  rewriteMessage(roomId: number, seq: number, change: Rewritten): Promise<boolean>;
  /**
   * Leaves `{text: "", deleted: true}` of messages, and their threads. A deleted message mentions nobody, has no reactions and no
   * files, and is unread no more; its text is in none of its edits any more.
   * @returns those that were there and were not deleted before, by their seqs ascending
   */
  eraseMessages(roomId: number, seqs: readonly number[]): Promise<ErasedMessage[]>;
  head(roomId: number): Promise<RoomHead>;
  /** Who is in the running call, as {@link RunningCall}; null while none runs. */
  callers(roomId: number): Promise<Actor[] | null>;
}

/**
 * Writes that belong together. Rooms must be locked (`lockRooms`) or created in this transaction before anything
 * of theirs is written; lock all rooms in one call, so that they are taken in id order.
 */
export interface StoreTransaction extends RoomWrites, RoomFinds, MemberWrites, EventWrites {
  readonly users: UserWrites;
  readonly organizations: OrganizationWrites;
  readonly deletions: DeletionWrites;
  readonly messages: MessageWrites;
  readonly uploads: UploadWrites;
  readonly people: PeopleWrites;
  readonly matrixPeople: MatrixPeopleWrites;
  readonly visits: VisitWrites;
  readonly webhooks: WebhookWrites;
}
