/** [GW-15.2] A user as frames show them. */
import { type ShownUser, shownUser } from "../../domain/context/broadcasts.ts";
import type { WireUser } from "../../protocol/frames.ts";

export function wireUser(user: ShownUser): WireUser {
  return shownUser(user);
}
