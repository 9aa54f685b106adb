/**
 * Names and pictures that people give themselves in Matrix. Those of the chat's users are the chat's, and put back. Of everybody
 * else Matrix decides, and the chat takes the name over.
 */
import { type Actor, memberKey } from "../../src/domain/model.ts";
import type { MatrixEvent } from "../mapping/matrix-events.ts";
import type { MatrixLookup } from "../rooms/matrix-lookup.ts";
import type { OpenRoom } from "../rooms/rooms.ts";
import type { BridgeStore } from "../store/bridge-store.ts";

export interface InboundNames {
  /** Applies an `m.room.member` of a member who was joined before it. @throws HomeserverError */
  apply(room: OpenRoom, event: MatrixEvent, target: Actor): Promise<void>;
}

/** @param profileChanged called when a user's account is to be put right */
export function createInboundNames(
  store: Pick<BridgeStore, "renameMember" | "doubtProfile">,
  lookup: Pick<MatrixLookup, "newName">,
  profileChanged: () => void,
): InboundNames {
  return {
    async apply(room, { content }, target) {
      if (content.membership !== "join") return;
      if (target.kind === "matrix")
        await store.renameMember(room.id, memberKey(target), await lookup.newName(room, target.id));
      if (target.kind === "user") {
        const { displayname, avatar_url: picture } = content;
        if (await store.doubtProfile(memberKey(target), textOf(displayname), textOf(picture)))
          profileChanged();
      }
    },
  };
}

/** Only compared, never kept: what is no text is another. */
function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
