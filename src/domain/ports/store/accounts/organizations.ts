/** Organizations, their events, and groups of users. ./store.ts says what callers may rely on. */
import type {
  DeletedMessages,
  Group,
  Organization,
  OrganizationEvent,
  OrganizationRole,
  OrganizationUser,
} from "../../../model.ts";
import type { NamePage } from "./users.ts";

export interface OrganizationStore {
  byId(id: number): Promise<Organization | null>;
  /** By id ascending; `after` is an id, exclusive. */
  list(page: { limit: number; after: number }): Promise<Organization[]>;
  /** By the user's id, ascending. */
  users(organizationId: number): Promise<OrganizationUser[]>;
  /** Null when the user is not in the organization. */
  role(organizationId: number, userId: number): Promise<OrganizationRole | null>;
  /** The organizations that a user is in, by id ascending. */
  of(userId: number): Promise<{ organization: Organization; role: OrganizationRole }[]>;
  event(organizationId: number, eventId: number): Promise<OrganizationEvent | null>;
}

/** Inside a transaction. */
export interface OrganizationWrites {
  create(name: string): Promise<Organization>;
  /** What becomes of the messages of users who delete their account. Null when there is no such organization. */
  setDeletedMessages(organizationId: number, rule: DeletedMessages): Promise<Organization | null>;
  /** Its rooms must have been deleted before (`conflict`). Tokens, roles and events go with it. */
  delete(organizationId: number): Promise<boolean>;
  /** Puts the user into the organization, or changes the role. An unknown organization or user is `not_found`. */
  putUser(organizationId: number, userId: number, role: OrganizationRole): Promise<void>;
  /** False when the user was not in it. */
  removeUser(organizationId: number, userId: number): Promise<boolean>;
  /** Writes the event with those who accepted it, whatever was there. An unknown organization is `not_found`. */
  putEvent(event: OrganizationEvent): Promise<void>;
  deleteEvent(organizationId: number, eventId: number): Promise<boolean>;
  /** Locks the organization's row, so that two changes of its automation do not cross. Null when there is none. */
  lock(organizationId: number): Promise<Organization | null>;
  /** The organization's users as the transaction sees them; `ids` narrows. */
  users(organizationId: number, ids?: number[]): Promise<OrganizationUser[]>;
  /** Ids of the organizations that the user is in, ascending. */
  idsOf(userId: number): Promise<number[]>;
  event(organizationId: number, eventId: number): Promise<OrganizationEvent | null>;
}

export interface GroupStore {
  /** Writes the group with its members, whatever was there; deleted users are left out. */
  put(group: Group): Promise<void>;
  /** An empty group; false when there is one of this id. */
  create(group: Pick<Group, "id" | "name">): Promise<boolean>;
  /** False when there is no such group. */
  addUser(id: string, userId: number): Promise<boolean>;
  /** Ids of groups whose id or name holds the text, whatever its case, in order. */
  ids(page: NamePage): Promise<string[]>;
  /** The ids of the groups that a user is in, ascending. */
  idsOf(userId: number): Promise<string[]>;
  delete(id: string): Promise<boolean>;
  byId(id: string): Promise<Group | null>;
}
