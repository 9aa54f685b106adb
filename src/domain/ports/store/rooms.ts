/** Rooms by their names, and their pictures. ./store.ts says what callers may rely on. */
import type { Conversation, MemberKey, Membership, Picture } from "../../model.ts";

export interface RoomAccess {
  conversation: Conversation;
  membership: Membership;
  accessVersion: number;
  /** The other of a one-to-one room left it, and has to be brought back before they can hear anything. */
  peerLeft: boolean;
}

/** A room by any of its names. */
export type RoomName = { token: string } | { uuid: string } | { publicId: string } | { id: number };

export interface RoomQueries {
  byToken(token: string): Promise<Conversation | null>;
  byPublicId(publicId: string): Promise<Conversation | null>;
  byId(id: number): Promise<Conversation | null>;
  byMatrixRoomId(matrixRoomId: string): Promise<Conversation | null>;
  /** A room by one of its names, with the membership of `member`; null when there is no such room. */
  locate(
    room: RoomName,
    member: MemberKey,
  ): Promise<{ conversation: Conversation; membership: Membership | null } | null>;
  /** Room and membership as they are now, for judging; null when either is missing. `room` is a token. */
  access(room: string, member: MemberKey): Promise<RoomAccess | null>;
  /** The tokens of those of the rooms that are there, by id. */
  tokens(conversationIds: readonly number[]): Promise<Map<number, string>>;
  /** Rooms whose lobby opens by itself at or before `now`, at most `limit`. */
  dueLobbies(now: number, limit: number): Promise<Conversation[]>;
  /** Rooms whose `scheduledDeletion` is at or before `now`, at most `limit`. */
  dueForDeletion(now: number, limit: number): Promise<Conversation[]>;
}

/** Messenger's rooms of an organization. */
export interface ChatroomQueries {
  byEvent(organizationId: number, eventId: number): Promise<Conversation | null>;
  defaultOf(organizationId: number): Promise<Conversation | null>;
  /** Messenger's rooms of an organization (kind not null), by id; `member` keeps only rooms with that member. */
  ofOrganization(
    organizationId: number,
    page: { limit: number | null; offset: number; member?: MemberKey },
  ): Promise<{ entries: Conversation[]; total: number }>;
}

export interface AvatarStore {
  /** Null once the room is deleted or its picture replaced. */
  get(id: string): Promise<Picture | null>;
}
