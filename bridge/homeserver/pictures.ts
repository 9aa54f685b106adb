/** Pictures of rooms and users, in the homeserver's media repository: each is uploaded once. */
import type { AvatarStore } from "../../src/domain/ports/store/rooms.ts";
import type { Ghosts } from "../mapping/ghosts.ts";
import type { BridgeStore } from "../store/bridge-store.ts";
import type { GhostAccounts } from "./ghost-accounts.ts";
import { fieldOf } from "./homeserver-error.ts";

export interface Pictures {
  /** The `mxc:` address of a picture; null when there is none under this id (any more). @throws HomeserverError */
  address(avatarId: string | null): Promise<string | null>;
  /** Stores that a picture came from this address: it need not be uploaded. */
  cameFrom(avatarId: string, mxc: string): Promise<void>;
}

/** Entries of `bridge_state`. The database deletes them with the picture (schema/functions/bridge/causeway_avatar_gone.sql). */
const keyOf = (avatarId: string) => `avatar:${avatarId}`;

export function createPictures(
  accounts: Pick<GhostAccounts, "request">,
  { bot }: Pick<Ghosts, "bot">,
  store: Pick<BridgeStore, "state" | "putState">,
  avatars: Pick<AvatarStore, "get">,
): Pictures {
  return {
    async address(avatarId) {
      if (avatarId === null) return null;
      const known = await store.state(keyOf(avatarId));
      if (known !== null) return known;
      const image = await avatars.get(avatarId);
      if (!image) return null;
      const upload = { body: image.bytes, contentType: image.mime };
      const answer = await accounts.request<{ content_uri?: string }>(
        bot,
        "POST",
        "/_matrix/media/v3/upload",
        upload,
      );
      const url = fieldOf(answer, "content_uri");
      await store.putState(keyOf(avatarId), url);
      return url;
    },
    cameFrom: (avatarId, mxc) => store.putState(keyOf(avatarId), mxc),
  };
}
