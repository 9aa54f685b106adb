import type { CallParticipant, CallState, Calls } from "../domain/ports/hot.ts";
import { callState } from "./call-state.ts";

interface Present {
  participant: CallParticipant;
  until: number;
}

export function createMemoryCalls(now: () => number): Calls & { sweep(at: number): number } {
  const calls = new Map<number, Map<string, Present>>();

  /** Forgets who decayed. @returns how many */
  function trim(conversationId: number, at: number): number {
    const call = calls.get(conversationId);
    if (call === undefined) return 0;
    const before = call.size;
    for (const [session, { until }] of call) if (until <= at) call.delete(session);
    if (call.size === 0) calls.delete(conversationId);
    return before - call.size;
  }

  function stateOf(conversationId: number): CallState {
    const call = [...(calls.get(conversationId)?.values() ?? [])];
    return callState(call.map(({ participant }) => ({ ...participant })));
  }

  function live(conversationId: number): CallState {
    trim(conversationId, now());
    return stateOf(conversationId);
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
      return { added, call: stateOf(conversationId) };
    },
    async remove(conversationId, session) {
      trim(conversationId, now());
      const call = calls.get(conversationId);
      const removed = call?.delete(session) ?? false;
      if (call?.size === 0) calls.delete(conversationId);
      return { removed, last: removed && call?.size === 0, call: stateOf(conversationId) };
    },
    get: async (conversationId) => live(conversationId),
    flags: async (conversationIds) => conversationIds.map((id) => (calls.has(id) ? live(id).flags : 0)),
    async refresh(entries, at, ttlMs) {
      return entries.filter(({ conversationId, session }) => {
        trim(conversationId, at);
        const present = calls.get(conversationId)?.get(session);
        if (present !== undefined) present.until = at + ttlMs;
        return present === undefined;
      });
    },
    sweep: (at) => [...calls.keys()].reduce((removed, id) => removed + trim(id, at), 0),
  };
}
