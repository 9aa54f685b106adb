/** [GW-15.2] A user as frames show them. */
import {
  type ShownUser,
  type Surroundings,
  shownConnection,
  shownSelf,
  shownUser,
} from "../../domain/context/broadcasts.ts";
import type { User } from "../../domain/model.ts";
import type { Connection } from "../../domain/use-cases/people.ts";
import type { WireConnection, WireSelf, WireUser } from "../../protocol/frames.ts";

export function wireUser(user: ShownUser, around: Surroundings): WireUser {
  return shownUser(user, around);
}

/** Users as frames show them, with the URLs of their pictures. */
export interface UserShape {
  /** @param lastSeen ms; null or missing: never, or they do not tell */
  user(user: ShownUser, lastSeen?: number | null): WireUser;
  self(user: User): WireSelf;
  connection(connection: Connection): WireConnection;
}

export function createUserShape(around: Surroundings): UserShape {
  return {
    user: (user, lastSeen = null) => ({
      ...wireUser(user, around),
      ...(lastSeen !== null && { lastSeen }),
    }),
    self: (user) => shownSelf(user, around),
    connection: (connection) => shownConnection(connection, around),
  };
}
