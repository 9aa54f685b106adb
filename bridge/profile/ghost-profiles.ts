/** Names and pictures of users, as their accounts in Matrix have them. The chat decides both for its users. */
import { userKey } from "../../src/domain/model.ts";
import type { GhostAccounts } from "../homeserver/ghost-accounts.ts";
import type { Pictures } from "../homeserver/pictures.ts";
import { isAbsent, isForbidden, isRefusal } from "../homeserver/refusals.ts";
import type { Ghosts } from "../mapping/ghosts.ts";
import type { BridgeStore } from "../store/bridge-store.ts";
import type { ChangedGhost } from "../store/members.ts";

/** Gives an account its user's name and picture, where it has others. The homeserver updates each room that it is in. */
export type UpdateProfile = (user: ChangedGhost) => Promise<void>;

export interface GhostProfilesOptions {
  accounts: Pick<GhostAccounts, "request">;
  ghosts: Pick<Ghosts, "ofUser">;
  store: Pick<BridgeStore, "putGhost">;
  pictures: Pick<Pictures, "address">;
}

interface Profile {
  displayname?: string;
  avatar_url?: string;
}

/** Code points; Synapse's limit. */
const MAX_NAME = 256;

/** @returns what rejects with HomeserverError when it has to be tried again */
export function createGhostProfiles({
  accounts,
  ghosts,
  store,
  pictures,
}: GhostProfilesOptions): UpdateProfile {
  async function profileOf(matrixId: string, path: string): Promise<Profile> {
    try {
      return await accounts.request<Profile>(matrixId, "GET", path);
    } catch (error) {
      if (isAbsent(error)) return {};
      throw error;
    }
  }

  async function put({ userId, displayName, avatarId }: ChangedGhost): Promise<void> {
    const matrixId = ghosts.ofUser(userId);
    const path = `/_matrix/client/v3/profile/${encodeURIComponent(matrixId)}`;
    const now = await profileOf(matrixId, path);
    const displayname = [...displayName].slice(0, MAX_NAME).join("");
    if (now.displayname !== displayname)
      await accounts.request(matrixId, "PUT", `${path}/displayname`, { body: { displayname } });
    const avatar_url = (await pictures.address(avatarId)) ?? "";
    if ((now.avatar_url ?? "") !== avatar_url)
      await accounts.request(matrixId, "PUT", `${path}/avatar_url`, { body: { avatar_url } });
  }

  return async (user) => {
    try {
      await put(user);
    } catch (error) {
      // The account was deactivated, the homeserver allows no renaming, or takes no picture of this size.
      if (!isForbidden(error) && !isRefusal(error, 0)) throw error;
    }
    const { userId, displayName, avatarId } = user;
    await store.putGhost(userKey(userId), displayName, avatarId);
  };
}
