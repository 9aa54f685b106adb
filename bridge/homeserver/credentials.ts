/**
 * Sets passwords of Matrix accounts. The Matrix specification lets an application service do everything for its users but
 * this, so each kind of homeserver needs its own way.
 */
import { DomainError } from "../../src/domain/errors.ts";
import type { Homeserver } from "./homeserver.ts";
import { HomeserverError } from "./homeserver-error.ts";

export interface CredentialProvider {
  /** Sets the password and leaves the user's devices signed in. @throws DomainError `unavailable`, HomeserverError */
  setPassword(matrixId: string, password: string): Promise<void>;
  /** Whether this setup can set passwords at all. */
  readonly setsPasswords: boolean;
}

export type CredentialProviderName = "synapse-admin" | "none";

/** The longest that an API waits for one request to the homeserver. */
export const ANSWER_LIMIT_MS = 5_000;

/** @param name the setting MATRIX_CREDENTIALS */
export function createCredentialProvider(
  name: CredentialProviderName,
  homeserver: Homeserver,
): CredentialProvider {
  switch (name) {
    case "synapse-admin":
      return synapseAdmin(homeserver);
    case "none":
      return {
        setPassword: () => Promise.reject(new DomainError("unavailable", NOT_SUPPORTED)),
        setsPasswords: false,
      };
  }
}

const NOT_SUPPORTED =
  "Passwords for Matrix are not supported by this homeserver's setup (MATRIX_CREDENTIALS=none); use Login, which hands out a token";

/** Synapse's admin API, with the as_token: its user, the sender, has to be an administrator (sender-admin.ts). */
function synapseAdmin(homeserver: Homeserver): CredentialProvider {
  const sender = homeserver.userId(homeserver.registration.senderLocalpart);
  return {
    setsPasswords: true,
    setPassword: async (matrixId, password) => {
      const path = `/_synapse/admin/v1/reset_password/${encodeURIComponent(matrixId)}`;
      const body = { new_password: password, logout_devices: false };
      try {
        await homeserver.request("POST", path, { body, timeoutMs: ANSWER_LIMIT_MS });
      } catch (error) {
        throw (error instanceof HomeserverError && refusal(error, sender)) || error;
      }
    },
  };
}

function refusal({ status }: HomeserverError, sender: string): DomainError | null {
  if (status === 403) {
    return new DomainError(
      "unavailable",
      `The homeserver does not let the bridge set passwords: ${sender} has to be an administrator there. ` +
        "Make it one with `npm run matrix:registration -- --admin-token-file FILE`, or set MATRIX_CREDENTIALS=none",
    );
  }
  if (status === 404) {
    return new DomainError(
      "unavailable",
      "The homeserver has no admin API of Synapse under its URL: let MATRIX_HOMESERVER_URL lead past any proxy " +
        "to Synapse itself, or set MATRIX_CREDENTIALS=none",
    );
  }
  return null;
}
