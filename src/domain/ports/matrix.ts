/**
 * Matrix credentials for a user. The bridge implements this; it is absent without a homeserver. Every call rejects with
 * `DomainError("unavailable")` while the homeserver is away. Devices and passwords end when their credential is revoked.
 */
import type { Credential, User } from "../model.ts";

export interface MatrixAccounts {
  /**
   * A fresh password for the user's own Matrix account. `username` is the localpart of the full Matrix id `userID`,
   * `homeserver` where Matrix clients sign in.
   */
  credentials(
    user: User,
    credential: Credential,
  ): Promise<{ username: string; password: string; userID: string; homeserver: string }>;
  /** Signs the user in on a device; a device that is in use is deleted first, so that its old tokens die. */
  login(user: User, deviceId: string, credential: Credential): Promise<MatrixLogin>;
}

/** The answer of Messenger's Login, as the document spells it. */
export interface MatrixLogin {
  accessToken: string;
  deviceID: string;
  expiresInMS?: number;
  refreshToken?: string;
  userID: string;
  wellKnown: Record<string, { base_url: string }>;
}
