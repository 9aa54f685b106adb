/** Users, organizations and credentials. See ../model.ts about ids and times. */
import type { Actor } from "./actors.ts";
import type { Room } from "./rooms.ts";

export interface User {
  id: number;
  uuid: string;
  publicId: string;
  handle: string;
  displayName: string;
  email: string | null;
  administrator: boolean;
  createdAt: number;
  /** The user's picture; null: none. */
  avatarId: string | null;
  /** What the user says of themselves; empty: nothing. */
  status: string;
  /** Who is told how far the user has read. */
  receiptsFor: Audience;
  /** Who is told when the user was last seen. */
  lastSeenFor: Audience;
}

/**
 * Whom a user tells something of themselves. `contacts`: those in the user's contact book, and those with whom they have an
 * accepted connection.
 */
export const AUDIENCES = ["everybody", "contacts", "nobody"] as const;
export type Audience = (typeof AUDIENCES)[number];

/** `chat` may manage chatrooms, `admin` may do what the organization's API token may. */
export type OrganizationRole = "member" | "chat" | "admin";

export interface OrganizationUser {
  user: User;
  role: OrganizationRole;
}

export interface Organization {
  id: number;
  uuid: string;
  name: string;
  createdAt: number;
  /** What becomes of the messages of its users who delete their account; `choice`: what they wish. */
  deletedMessages: DeletedMessages;
}

export const DELETED_MESSAGES = ["keep", "erase", "choice"] as const;
export type DeletedMessages = (typeof DELETED_MESSAGES)[number];

export interface Group {
  id: string;
  name: string;
  members: number[];
}

/** An event in an organization's calendar, from its back office. With automation on, its chatroom follows it. */
export interface OrganizationEvent {
  organizationId: number;
  eventId: number;
  name: string;
  endsAt: number | null;
  acceptedUsers: number[];
}

/** A personal access token (user) or an API token (organization). Only a hash of the secret is stored. */
export interface ApiToken {
  id: number;
  userId: number | null;
  organizationId: number | null;
  name: string;
  createdAt: number;
  expiresAt: number | null;
}

/**
 * The user or organization that a request is from. A live session ends when its `credential` is no longer valid.
 */
export type Principal =
  | { kind: "user"; user: User; credential: Credential }
  | { kind: "organization"; organization: Organization; tokenId: number };

/** A user, and what proves that it is them. */
export interface Holder {
  user: Pick<User, "id" | "uuid">;
  credential: Credential;
}

export type Credential =
  | { via: "session"; loginId: number; expiresAt: number }
  | { via: "token"; tokenId: number; expiresAt: number | null }
  /**
   * Without `issuedAt`, and without `checkedAt`, nobody can tell from before what it is. `authenticatedAt` is when the issuer
   * saw the person, as far as it says.
   */
  | { via: "jwt"; expiresAt: number; issuedAt?: number | null; authenticatedAt?: number | null }
  | { via: "password"; checkedAt?: number };

export function userActor(user: Pick<User, "id" | "displayName">): Actor {
  return { kind: "user", id: String(user.id), name: user.displayName };
}

export function organizationActor(organization: Pick<Organization, "id" | "name">): Actor {
  return { kind: "system", id: `organization:${organization.id}`, name: organization.name };
}

/** The statuses of one side of a connection, by Wire's names. */
export const CONNECTION_STATUSES = [
  "sent",
  "pending",
  "accepted",
  "blocked",
  "ignored",
  "cancelled",
] as const;
export type ConnectionStatus = (typeof CONNECTION_STATUSES)[number];

/** An entry in a user's contact book: another user, with the owner's own notes. */
export interface Contact {
  user: User;
  phoneNumber: string | null;
  avatarUrl: string | null;
  /** Null until it is set. */
  displayName: string | null;
  /** The one-to-one room of the two; null after it was deleted. */
  room: Room | null;
  /** When the other was last seen reading or writing, ms; null: never, or the other does not exist for the owner. */
  lastActiveAt: number | null;
  createdAt: number;
}
