/** The back office: organizations, users, groups, tokens and events. Part of {@link UseCases}; the same promises hold. */
import type {
  ApiToken,
  DeletedMessages,
  Group,
  Organization,
  OrganizationEvent,
  OrganizationRole,
  OrganizationUser,
  Room,
  User,
} from "../model.ts";
import type { NamePage } from "../ports/store/accounts/users.ts";

/** A page of a list by id, ascending; `after` is an id, exclusive. */
export interface IdPage {
  limit: number;
  after: number;
}

/**
 * What operators do: nobody's rights are looked at, so only the admin API and `/cloud` ask this. What an id or a name
 * does not find is `not_found` on it.
 */
export interface Directory
  extends OrganizationDirectory,
    UserDirectory,
    GroupDirectory,
    TokenDirectory,
    EventDirectory {}

export interface OrganizationDirectory {
  /** `defaultRoom`: with a chatroom that all of its users are in. */
  createOrganization(input: { name: string; defaultRoom?: boolean }): Promise<Organization>;
  /** @throws DomainError `not_found` on `id` */
  updateOrganization(id: number, patch: { deletedMessages: DeletedMessages }): Promise<Organization>;
  /** Its rooms, events and tokens go with it; its users stay. */
  deleteOrganization(id: number): Promise<void>;
  organization(id: number): Promise<Organization>;
  organizations(page: IdPage): Promise<Organization[]>;
  /** Everybody in it, by id. */
  organizationUsers(id: number): Promise<OrganizationUser[]>;
  organizationUser(organizationId: number, userId: number): Promise<OrganizationUser>;
  /** Puts a user in, or changes the role. The chatrooms that follow the organization follow in the same transaction. */
  putOrganizationUser(organizationId: number, userId: number, role: OrganizationRole): Promise<void>;
  /** Takes a user out, and out of the chatrooms that follow the organization. */
  removeOrganizationUser(organizationId: number, userId: number): Promise<void>;
}

export interface UserDirectory {
  /** Without a password nobody signs in with one. A handle or e-mail in use is `conflict` on that field. */
  createUser(input: {
    handle: string;
    password?: string;
    displayName?: string;
    email?: string;
    administrator?: boolean;
    organizations?: { id: number; role: OrganizationRole }[];
  }): Promise<User>;
  /** What is left out stays. `conflict` as above; a new password ends all logins. */
  updateUser(
    id: number,
    patch: {
      handle?: string;
      password?: string;
      displayName?: string;
      email?: string | null;
      administrator?: boolean;
    },
  ): Promise<User>;
  /** Leaves every room, ends sessions and tokens, deactivates the Matrix account. */
  deleteUser(id: number): Promise<void>;
  /**
   * Ends all logins of the user: cookies, access tokens, the sessions of both on every gateway, JWTs that were issued
   * before, and the user's devices and password in Matrix. A new password does so too. Personal access tokens stay.
   */
  endLogins(id: number): Promise<void>;
  user(id: number): Promise<User>;
  users(page: IdPage): Promise<User[]>;
}

/** The members of a group are named by their handles. */
export interface GroupDirectory {
  putGroup(id: string, input: { name: string; members: string[] }): Promise<void>;
  deleteGroup(id: string): Promise<void>;
  group(id: string): Promise<Pick<Group, "id" | "name"> & { members: string[] }>;
}

export interface TokenDirectory {
  /** @returns the secret, this once; `expiresAt` in ms, null: never */
  createToken(input: {
    userId?: number;
    organizationId?: number;
    name: string;
    expiresAt?: number | null;
  }): Promise<{ id: number; token: string; expiresAt: number | null }>;
  deleteToken(id: number): Promise<void>;
  token(id: number): Promise<ApiToken>;
  tokens(page: IdPage): Promise<ApiToken[]>;
}

/** Events of an organization, each with a chatroom that follows it. */
export interface EventDirectory {
  /** @returns the event's chatroom; null where it has none, or none any more */
  putEvent(input: OrganizationEvent): Promise<Room | null>;
  deleteEvent(organizationId: number, eventId: number): Promise<void>;
  event(organizationId: number, eventId: number): Promise<OrganizationEvent>;
}

/**
 * Users and groups, for administrators (`forbidden` to everybody else). Users are named by their handles; whoever does
 * not exist is `not_found`, what exists already `conflict`.
 */
export interface Provisioning {
  /** Handles, in order. */
  users(caller: User, page: NamePage): Promise<string[]>;
  /** Ids, in order. */
  groups(caller: User, page: NamePage): Promise<string[]>;
  /** Handles of the users in a group. */
  groupUsers(caller: User, groupId: string): Promise<string[]>;
  /** Anybody sees themselves. */
  user(caller: User, handle: string): Promise<{ user: User; groups: string[] }>;
  createUser(
    caller: User,
    input: { handle: string; password: string; displayName?: string; email?: string },
  ): Promise<User>;
  updateUser(
    caller: User,
    handle: string,
    patch: { displayName?: string; password?: string; email?: string | null },
  ): Promise<void>;
  deleteUser(caller: User, handle: string): Promise<void>;
  addToGroup(caller: User, handle: string, groupId: string): Promise<void>;
  createGroup(caller: User, groupId: string): Promise<void>;
  deleteGroup(caller: User, groupId: string): Promise<void>;
}
