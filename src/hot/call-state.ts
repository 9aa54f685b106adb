import type { CallParticipant, CallState } from "../domain/ports/hot.ts";

export function callState(participants: CallParticipant[]): CallState {
  return { flags: participants.reduce((flags, { flags: own }) => flags | own, 0), participants };
}
