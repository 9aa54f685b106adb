/** [GW-15.2] A user as frames show them. */
import { type ShownUser, shownSelf, shownUser } from "../../domain/context/broadcasts.ts";
import type { User } from "../../domain/model.ts";
import type { WireSelf, WireUser } from "../../protocol/frames.ts";

/** @param publicUrl where clients reach this server */
export function wireUser(user: ShownUser, publicUrl: string): WireUser {
  return shownUser(user, publicUrl);
}

/** Users as frames show them, with the URLs of their pictures. */
export interface UserShape {
  /** @param lastSeen ms; null or missing: never, or they do not tell */
  user(user: ShownUser, lastSeen?: number | null): WireUser;
  self(user: User): WireSelf;
}

/** @param publicUrl where clients reach this server; called for each user */
export function createUserShape(publicUrl: () => string): UserShape {
  return {
    user: (user, lastSeen = null) => ({
      ...wireUser(user, publicUrl()),
      ...(lastSeen !== null && { lastSeen }),
    }),
    self: (user) => shownSelf(user, publicUrl()),
  };
}
