/** Asks the homeserver for single events of rooms. */
import type { GhostAccounts } from "../homeserver/ghost-accounts.ts";
import { fieldOf, HomeserverError } from "../homeserver/homeserver-error.ts";
import type { Ghosts } from "../mapping/ghosts.ts";
import type { RoomRef } from "./members.ts";

/**
 * What the homeserver answers for an event of a room: it has it, as the bot sees it (`found`, with its JSON unread); it does not,
 * or shows it to nobody of ours (`absent`); or it did not answer about it (`away`).
 */
export type AskedEvent =
  | { standing: "found"; event: Record<string, unknown> }
  | { standing: "absent" }
  | { standing: "away"; error: HomeserverError };

export interface EventLookup {
  ask(room: Pick<RoomRef, "matrixRoomId">, eventId: string): Promise<AskedEvent>;
  /** @returns the event, null where it is absent @throws HomeserverError where the homeserver is away */
  get(room: Pick<RoomRef, "matrixRoomId">, eventId: string): Promise<Record<string, unknown> | null>;
}

export function createEventLookup(accounts: Pick<GhostAccounts, "request">, ghosts: Ghosts): EventLookup {
  const ask: EventLookup["ask"] = async ({ matrixRoomId }, eventId) => {
    const [room, id] = [matrixRoomId, eventId].map(encodeURIComponent);
    const path = `/_matrix/client/v3/rooms/${room}/event/${id}`;
    try {
      const event = await accounts.request<Record<string, unknown> | null>(ghosts.bot, "GET", path);
      // A page that a proxy gives with status 200 is no event.
      fieldOf(event as { event_id?: unknown } | null, "event_id");
      return { standing: "found", event: event ?? {} };
    } catch (error) {
      if (!(error instanceof HomeserverError)) throw error;
      return error.temporary ? { standing: "away", error } : { standing: "absent" };
    }
  };
  return {
    ask,
    async get(room, eventId) {
      const answer = await ask(room, eventId);
      if (answer.standing === "away") throw answer.error;
      return answer.standing === "found" ? answer.event : null;
    },
  };
}
