/** What one cell has to be on one face: the domain's table, and where the face differs from it. */

import {
  isOneToOne,
  type RoomState,
  roomVerdict,
  type StandingName,
  standing,
  type Verdict,
} from "../standings.ts";
import { type FaceWays, type OperationName, operation, type Way } from "./operations.ts";

export function verdictOn(
  face: Pick<FaceWays, "guests">,
  way: Way,
  name: OperationName,
  state: RoomState,
  caller: StandingName,
): Verdict {
  const { proof } = standing(caller);
  if (proof === "guest" && (!face.guests || way.usersOnly)) return "unauthorized";
  const open = way.everybody?.in.includes(state) && (proof === "user" || proof === "guest");
  if (open) return null;
  const instead = isOneToOne(state) ? way.inOneToOne : undefined;
  const actions = Array.isArray(instead) ? instead : operation(name).actions;
  const verdict = roomVerdict(caller, state, [...(way.first ?? []), ...actions]);
  const outside = verdict === "unauthorized" || verdict === "not_found";
  return typeof instead === "string" && !outside ? instead : verdict;
}
