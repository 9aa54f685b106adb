/** [GW-17.9] The user's Matrix account: what Messenger's GetCredentials and Login give. */
import { DomainError } from "../../domain/errors.ts";
import type { User } from "../../domain/model.ts";
import type { MatrixAccounts } from "../../domain/ports/matrix.ts";
import type { Identity } from "../sessions/session.ts";
import { type Handlers, withFields } from "./handlers.ts";

/** @param accounts null without a homeserver */
export function createMatrixCommands(
  accounts: MatrixAccounts | null,
  userOf: (identity: Identity) => Promise<User>,
): Handlers<"matrix"> {
  /** Users whose request is under way: each is a few requests to the homeserver. */
  const asking = new Set<number>();

  return {
    async matrix({ identity }, { device }) {
      if (!accounts) {
        throw new DomainError(
          "unavailable",
          "No Matrix homeserver is configured here (MATRIX_HOMESERVER_URL)",
        );
      }
      const { id } = identity.user;
      if (asking.has(id))
        throw new DomainError("busy", "Your last request for Matrix is under way; wait for its answer");
      asking.add(id);
      try {
        const user = await userOf(identity);
        if (device === undefined) {
          const { homeserver, userID, username, password } = await accounts.credentials(
            user,
            identity.credential,
          );
          return { homeserver, matrixId: userID, username, password };
        }
        const login = () => accounts.login(user, device, identity.credential);
        return loginOf(await withFields({ deviceID: "device" }, login));
      } finally {
        asking.delete(id);
      }
    },
  };
}

function loginOf(login: Awaited<ReturnType<MatrixAccounts["login"]>>) {
  const { accessToken, deviceID, expiresInMS, refreshToken, userID, wellKnown } = login;
  return {
    ...{
      homeserver: wellKnown["m.homeserver"]?.base_url ?? "",
      matrixId: userID,
      device: deviceID,
      accessToken,
    },
    ...(refreshToken !== undefined && { refreshToken }),
    ...(expiresInMS !== undefined && { expiresInMs: expiresInMS }),
  };
}
