/** Changes of a Matrix room that the homeserver refuses for good. */

import type { Logger } from "../../src/logger.ts";
import { HomeserverError } from "../homeserver/homeserver-error.ts";
import { isForbidden, isOwnFault, isRefusal, OwnFault, whyOf } from "../homeserver/refusals.ts";
import type { BridgeCounts } from "../metrics.ts";
import type { MatrixRooms, OpenRoom } from "../rooms/rooms.ts";
import type { BridgeStore } from "../store/bridge-store.ts";

export interface RefusedChangesOptions {
  store: Pick<BridgeStore, "putChangeAside">;
  rooms: Pick<MatrixRooms, "isLost">;
  counts: BridgeCounts;
  logger: Pick<Logger, "warn">;
}

/**
 * Waits for a change of the room, named by `change`. One that the homeserver refuses for good, or that goes on failing by a
 * defect of ours, does not hold the room up: it is kept as a dead letter with the reason.
 * @throws HomeserverError when it has to be tried again
 */
export type UnlessRefused = (room: OpenRoom, change: string, work: Promise<void>) => Promise<void>;

export function createRefusedChanges({ store, rooms, counts, logger }: RefusedChangesOptions): UnlessRefused {
  return async (room, change, work) => {
    try {
      await work;
    } catch (error) {
      const isRefused = error instanceof HomeserverError && (isRefusal(error, 0) || isForbidden(error));
      if (!isRefused && !isOwnFault(error, room.failures)) throw error;
      if (isRefused && (await rooms.isLost(room))) throw error;
      counts.givenUp++;
      logger.warn(
        { event: "bridge.change_refused", err: error, room: room.token, change },
        "a change of a room can't go to Matrix; it is a dead letter, and the bridge goes on without it",
      );
      await store.putChangeAside(room.id, change, whyOf(isRefused ? error : new OwnFault(error)));
    }
  };
}
