/** Messenger's rooms. Part of {@link UseCases}; the same promises hold. */
import type { Membership, Picture, Principal, Room } from "../model.ts";

/** A chatroom with its people, as Messenger shows it. */
export interface Chatroom {
  room: Room;
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
  /** A room's picture by its id, which only those are told who may see the room; null once the room has another or is deleted. */
  picture(id: string): Promise<Picture | null>;
  /** Carries out due `scheduledDeletion`s. Run by a timer. */
  sweep(now: number): Promise<void>;
}

/** The people of a room, grouped as Messenger shows them. */
export function peopleOf(members: readonly Membership[]): Omit<Chatroom, "room"> {
  const users = members.flatMap((m) => (m.userId === null ? [] : [{ id: m.userId, role: m.role }]));
  return {
    admins: users.filter((u) => u.role === "owner").map((u) => u.id),
    moderators: users.filter((u) => u.role === "moderator").map((u) => u.id),
    assignedUsers: users.filter((u) => u.role !== "owner" && u.role !== "moderator").map((u) => u.id),
  };
}
