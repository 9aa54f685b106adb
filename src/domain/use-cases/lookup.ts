/** From the names that faces have for people and organizations to the domain's, and back. Part of {@link UseCases}. */
import type { Actor, Organization, RoomNames, User } from "../model.ts";

/**
 * No right is looked at: whether a user exists for the caller is for the use case to say that is given the actor. A name
 * that is nobody's is `NOBODY`, whom every use case refuses as it refuses somebody who does not exist for the caller.
 */
export interface Lookup {
  /** By handle, in any case. */
  actor(handle: string): Promise<Actor>;
  /** By public id or handle, in the order of the names. */
  actors(names: readonly string[]): Promise<Actor[]>;
  /** Users by id; unknown and deleted ones are missing. */
  users(ids: readonly number[]): Promise<Map<number, User>>;
  /** UUIDs by id, those of deleted users included. */
  uuids(of: "users" | "organizations", ids: readonly number[]): Promise<Map<number, string>>;
  /** Names of rooms by id, those that were deleted in the last 28 days included. */
  roomNames(ids: readonly number[]): Promise<Map<number, RoomNames>>;
  /** The organizations that a user is in, by id. */
  organizationsOf(user: Pick<User, "id">): Promise<Organization[]>;
  /** The users of an organization, by id; for those who are in it, or in a room of its. */
  organizationUsers(organizationId: number): Promise<User[]>;
}
