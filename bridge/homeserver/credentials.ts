/**
 * Sets passwords of Matrix accounts. The Matrix specification lets an application service do everything for its users but
 * this, so each kind of homeserver needs its own way.
 */
import { DomainError } from "../../src/domain/errors.ts";
import { localpartOf } from "../mapping/ghosts.ts";
import { ANSWER_LIMIT_MS, type Homeserver } from "./homeserver.ts";
import { HomeserverError } from "./homeserver-error.ts";
import { createMas, type Mas, type MasSettings } from "./mas.ts";

export interface CredentialProvider {
  /** Sets the password and leaves the user's devices signed in. @throws DomainError `unavailable`, HomeserverError */
  setPassword(matrixId: string, password: string): Promise<void>;
  /** Whether this setup can set passwords at all. */
  readonly setsPasswords: boolean;
  /** Where sign-in is another service's, and the homeserver has none. */
  readonly mas: Mas | null;
}

/** By name, or Matrix Authentication Service with the client that Causeway is there. */
export type CredentialProviderChoice = "synapse-admin" | "none" | MasSettings;

/** @param choice the setting MATRIX_CREDENTIALS, and for `mas` those that belong to it */
export function createCredentialProvider(
  choice: CredentialProviderChoice,
  homeserver: Homeserver,
): CredentialProvider {
  if (typeof choice === "object") return masProvider(createMas(choice), homeserver);
  switch (choice) {
    case "synapse-admin":
      return synapseAdmin(homeserver);
    case "none":
      return {
        setPassword: () => Promise.reject(new DomainError("unavailable", NOT_SUPPORTED)),
        ...{ setsPasswords: false, mas: null },
      };
  }
}

const NOT_SUPPORTED =
  "Passwords for Matrix are not supported by this homeserver's setup (MATRIX_CREDENTIALS=none); use Login, which hands out a token";

function masProvider(mas: Mas, homeserver: Homeserver): CredentialProvider {
  return {
    ...{ setsPasswords: true, mas },
    setPassword: (matrixId, password) => mas.setPassword(localpartOf(matrixId, homeserver), password),
  };
}

/** Synapse's admin API, with the as_token: its user, the sender, has to be an administrator (sender-admin.ts). */
function synapseAdmin(homeserver: Homeserver): CredentialProvider {
  const sender = homeserver.userId(homeserver.registration.senderLocalpart);
  return {
    ...{ setsPasswords: true, mas: null },
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
