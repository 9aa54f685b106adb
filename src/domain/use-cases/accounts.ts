/** Signing in, and the back office. Part of {@link UseCases}; the same promises hold. */
import type {
  Conversation,
  Organization,
  OrganizationEvent,
  OrganizationRole,
  Principal,
  User,
} from "../model.ts";
import type { NamePage } from "../ports/store/users.ts";

export interface Accounts {
  /** Handle or e-mail, and password. `unauthorized` for a bad password and an unknown name alike. */
  login(
    login: string,
    password: string,
    options: { persistent: boolean; ip: string },
  ): Promise<{ user: User; accessToken: string; expiresIn: number; cookie: string; cookieExpiresAt: number }>;
  /**
   * A new access token for a login cookie. `expiresIn` is in seconds. `renewed` is the cookie to go on with when a
   * persistent one has had half of its time, and the only one from then on; session cookies are never renewed. No login
   * is renewed beyond its absolute end. Where the owner (a user's id) of the old access token is told, the login must be
   * theirs: else nothing is renewed, and the refusal is on the field `accessToken`.
   */
  refresh(
    cookie: string,
    accessTokenOwner?: number | null,
  ): Promise<{
    user: User;
    accessToken: string;
    expiresIn: number;
    renewed: { cookie: string; cookieExpiresAt: number } | null;
  }>;
  /** The cookie is enough; an access token that comes along must not be another user's. */
  logout(cookie: string, accessToken: string | null): Promise<void>;
  /** An access token, a personal access token, an API token or a JWT. `unauthorized` when it is none of these. */
  authenticate(token: string): Promise<Principal & { version: number }>;
  /** Basic authentication; a verified password is remembered for a short time under a keyed hash. */
  authenticateBasic(login: string, password: string, ip: string): Promise<Principal & { version: number }>;
}

/** What operators and provisioning do; only the admin API and `/cloud` ask this. */
export interface Directory {
  createOrganization(input: { name: string; defaultRoom?: boolean }): Promise<Organization>;
  deleteOrganization(id: number): Promise<void>;
  createUser(input: {
    handle: string;
    password?: string;
    displayName?: string;
    email?: string;
    administrator?: boolean;
    organizations?: { id: number; role: OrganizationRole }[];
  }): Promise<User>;
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
  putOrganizationUser(organizationId: number, userId: number, role: OrganizationRole): Promise<void>;
  removeOrganizationUser(organizationId: number, userId: number): Promise<void>;
  putGroup(id: string, input: { name: string; members: string[] }): Promise<void>;
  deleteGroup(id: string): Promise<void>;
  createToken(input: {
    userId?: number;
    organizationId?: number;
    name: string;
    expiresAt?: number | null;
  }): Promise<{ id: number; token: string; expiresAt: number | null }>;
  deleteToken(id: number): Promise<void>;
  putEvent(input: OrganizationEvent): Promise<Conversation | null>;
  deleteEvent(organizationId: number, eventId: number): Promise<void>;
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
