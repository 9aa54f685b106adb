import type { CallParticipant, CallState, Calls } from "../../domain/ports/hot.ts";
import { callState } from "../call-state.ts";

interface Present {
  participant: CallParticipant;
  until: number;
}

export function createMemoryCalls(now: () => number): Calls & { clear(): void } {
  const calls = new Map<number, Map<string, Present>>();

  /** Removes decayed participants. @returns their number */
  function trim(roomId: number, at: number): number {
    const call = calls.get(roomId);
    if (call === undefined) return 0;
    const before = call.size;
    for (const [session, { until }] of call) if (until <= at) call.delete(session);
    if (call.size === 0) calls.delete(roomId);
    return before - call.size;
  }

  function live(roomId: number): CallState {
    const call = [...(calls.get(roomId)?.values() ?? [])].filter(({ until }) => until > now());
    return callState(call.map(({ participant }) => ({ ...participant })));
  }

  return {
    async put(roomId, participant, at, ttlMs) {
      trim(roomId, at);
      const call = calls.get(roomId) ?? new Map<string, Present>();
      const added = !call.has(participant.session);
      calls.set(
        roomId,
        call.set(participant.session, { participant: { ...participant }, until: at + ttlMs }),
      );
      return { added, call: stateOf(call) };
    },
    async remove(roomId, session) {
      trim(roomId, now());
      const call = calls.get(roomId);
      const removed = call?.delete(session) ?? false;
      if (call?.size === 0) calls.delete(roomId);
      return { removed, last: removed && call?.size === 0, call: stateOf(call) };
    },
    get: async (roomId) => live(roomId),
    flags: async (roomIds) => roomIds.map((id) => (calls.has(id) ? live(id).flags : 0)),
    async refresh(entries, at, ttlMs) {
      return entries.filter(({ roomId, session }) => {
        const present = calls.get(roomId)?.get(session);
        if (present === undefined || present.until <= at) return true;
        present.until = at + ttlMs;
        return false;
      });
    },
    sweep: async (at) => [...calls.keys()].filter((id) => trim(id, at) > 0),
    clear: () => calls.clear(),
  };
}

function stateOf(call: ReadonlyMap<string, Present> | undefined): CallState {
  return callState([...(call?.values() ?? [])].map(({ participant }) => ({ ...participant })));
}
