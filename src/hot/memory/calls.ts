import type { CallParticipant, CallState, Calls } from "../../domain/ports/hot.ts";
import { callState } from "../call-state.ts";

interface Present {
  participant: CallParticipant;
  until: number;
}

export function createMemoryCalls(now: () => number): Calls & { clear(): void } {
  const calls = new Map<number, Map<string, Present>>();

  /** Removes decayed participants. @returns their number */
  function trim(conversationId: number, at: number): number {
    const call = calls.get(conversationId);
    if (call === undefined) return 0;
    const before = call.size;
    for (const [session, { until }] of call) if (until <= at) call.delete(session);
    if (call.size === 0) calls.delete(conversationId);
    return before - call.size;
  }

  function live(conversationId: number): CallState {
    const call = [...(calls.get(conversationId)?.values() ?? [])].filter(({ until }) => until > now());
    return callState(call.map(({ participant }) => ({ ...participant })));
  }

  return {
    async put(conversationId, participant, at, ttlMs) {
      trim(conversationId, at);
      const call = calls.get(conversationId) ?? new Map<string, Present>();
      const added = !call.has(participant.session);
      calls.set(
        conversationId,
        call.set(participant.session, { participant: { ...participant }, until: at + ttlMs }),
      );
      return { added, call: stateOf(call) };
    },
    async remove(conversationId, session) {
      trim(conversationId, now());
      const call = calls.get(conversationId);
      const removed = call?.delete(session) ?? false;
      if (call?.size === 0) calls.delete(conversationId);
      return { removed, last: removed && call?.size === 0, call: stateOf(call) };
    },
    get: async (conversationId) => live(conversationId),
    flags: async (conversationIds) => conversationIds.map((id) => (calls.has(id) ? live(id).flags : 0)),
    async refresh(entries, at, ttlMs) {
      return entries.filter(({ conversationId, session }) => {
        const present = calls.get(conversationId)?.get(session);
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
