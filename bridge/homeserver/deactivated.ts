/** Whether accounts were deactivated at the homeserver. Deactivating deletes an account's devices and makes it leave its rooms. */
import { DomainError } from "../../src/domain/errors.ts";
import { BRIDGE_DEVICE, localpartOf } from "../mapping/ghosts.ts";
import type { Homeserver, RequestOptions } from "./homeserver.ts";
import { HomeserverError } from "./homeserver-error.ts";

/**
 * Asks for the account's devices, which a deactivated one does not have. Only where there are none, it signs in on the bridge's
 * device, which the homeserver refuses for a deactivated account; an active one has the device again. `mas` knows it without that.
 * @throws HomeserverError
 */
export async function isDeactivated(
  homeserver: Pick<Homeserver, "request" | "serverName">,
  matrixId: string,
  mas: { isDeactivated(localpart: string): Promise<boolean> } | null,
  limits: Pick<RequestOptions, "timeoutMs"> = {},
): Promise<boolean> {
  if (mas) return await mas.isDeactivated(localpartOf(matrixId, homeserver));
  try {
    const path = "/_matrix/client/v3/devices";
    const { devices } = await homeserver.request<{ devices: unknown[] }>("GET", path, {
      asUser: matrixId,
      ...limits,
    });
    if (devices.length > 0) return false;
    await homeserver.request("POST", "/_matrix/client/v3/login", {
      body: {
        type: "m.login.application_service",
        identifier: { type: "m.id.user", user: matrixId },
        device_id: BRIDGE_DEVICE,
      },
      ...limits,
    });
    return false;
  } catch (error) {
    if (error instanceof HomeserverError && error.says("M_USER_DEACTIVATED")) return true;
    throw error;
  }
}

/** What somebody hears who wants Matrix credentials for a deactivated account. */
export function deactivatedError(matrixId: string): DomainError {
  return new DomainError(
    "conflict",
    `The Matrix account ${matrixId} was deactivated. Ask an administrator of the homeserver to activate it again ` +
      "(Synapse: PUT /_synapse/admin/v2/users/{id} with deactivated: false and a password); sign in after that",
  );
}
