/** Rooms by their names, and their pictures. ./store.ts says what callers may rely on. */
import type { MemberKey, Membership, Picture, Room } from "../../model.ts";

/** What `can` (permissions.ts) judges by. */
export interface RoomAccess {
  room: Room;
  membership: Membership;
  accessVersion: number;
  /** The other of a one-to-one room left it, and has to be brought back before they can hear anything. */
  peerLeft: boolean;
}

/** A room by any of its names. */
export type RoomName = { token: string } | { uuid: string } | { publicId: string } | { id: number };

export interface RoomQueries {
  byToken(token: string): Promise<Room | null>;
  byPublicId(publicId: string): Promise<Room | null>;
  byGuestCode(code: string): Promise<Room | null>;
  byId(id: number): Promise<Room | null>;
  byMatrixRoomId(matrixRoomId: string): Promise<Room | null>;
  /** A room by one of its names, with the membership of `member`; null when there is no such room. */
  locate(room: RoomName, member: MemberKey): Promise<{ room: Room; membership: Membership | null } | null>;
  /** Room and membership as they are now, for judging; null when either is missing. `room` is a token. */
  access(room: string, member: MemberKey): Promise<RoomAccess | null>;
  /** {@link access} for many rooms in one query; those that are missing are left out. */
  accesses(rooms: readonly string[], member: MemberKey): Promise<RoomAccess[]>;
  /** The tokens of those of the rooms that are there, by id. */
  tokens(roomIds: readonly number[]): Promise<Map<number, string>>;
  /** Rooms whose lobby opens by itself at or before `now`, at most `limit`. */
  dueLobbies(now: number, limit: number): Promise<Room[]>;
  /** Rooms whose `scheduledDeletion` is at or before `now`, at most `limit`. */
  dueForDeletion(now: number, limit: number): Promise<Room[]>;
}

/** Messenger's rooms of an organization. */
export interface ChatroomQueries {
  /** The chatroom of an organization's event. */
  byEvent(organizationId: number, eventId: number): Promise<Room | null>;
  /** The chatroom that all of an organization are in. */
  defaultOf(organizationId: number): Promise<Room | null>;
  /** Messenger's rooms of an organization (kind not null), by id; `member` keeps only rooms with that member. */
  ofOrganization(
    organizationId: number,
    page: { limit: number | null; offset: number; member?: MemberKey },
  ): Promise<{ entries: Room[]; total: number }>;
}

export interface AvatarStore {
  /** Null once the room is deleted or its picture replaced. */
  get(id: string): Promise<Picture | null>;
}
