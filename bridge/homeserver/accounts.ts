/**
 * Matrix credentials for users: Messenger's GetCredentials and Login. Any process can hand them out. The bridge worker
 * then makes the user's ghost join its rooms; the answer waits a moment for that.
 */
import { setTimeout as delay } from "node:timers/promises";
import { badField, DomainError } from "../../src/domain/errors.ts";
import type { MatrixAccounts, MatrixLogin } from "../../src/domain/ports/matrix.ts";
import type { Logger } from "../../src/logger.ts";
import { BRIDGE_DEVICE, createGhosts } from "../mapping/ghosts.ts";
import type { BridgeAccounts, Grant } from "../store/accounts.ts";
import type { BridgeStore } from "../store/bridge-store.ts";
import { createAccountTasks, newMatrixPassword } from "./account-tasks.ts";
import { type CredentialProviderChoice, createCredentialProvider } from "./credentials.ts";
import { deactivatedError, isDeactivated } from "./deactivated.ts";
import { ANSWER_LIMIT_MS, type Homeserver, type RequestOptions, withoutSlash } from "./homeserver.ts";
import { HomeserverError } from "./homeserver-error.ts";
import { createRegistrationCheck } from "./open-registration.ts";

export interface MatrixAccountsOptions {
  homeserver: Homeserver;
  store: Pick<BridgeStore, "markMatrixAccount" | "roomsToEnter"> & BridgeAccounts;
  /** The base URL for Matrix clients (MATRIX_PUBLIC_URL). Unset: the homeserver's own answer, else the URL that we use. */
  publicBaseUrl?: string | undefined;
  provider: CredentialProviderChoice;
  logger: Pick<Logger, "warn">;
}

export interface AccountsOfHomeserver extends MatrixAccounts {
  /** The Matrix id of a user's account, also before the account is made. */
  idOf(userId: number): string;
}

/** The used part of the answer to `POST /_matrix/client/v3/login`. */
interface LoginAnswer {
  user_id: string;
  access_token: string;
  device_id: string;
  expires_in_ms?: number;
  refresh_token?: string;
  well_known?: Record<string, { base_url?: string }>;
}

const ROOMS_LIMIT_MS = 3_000;
const ROOMS_POLL_MS = 50;

export function createMatrixAccounts(options: MatrixAccountsOptions): AccountsOfHomeserver {
  const { homeserver, store, logger } = options;
  const ghosts = createGhosts({ ...homeserver.registration, serverName: homeserver.serverName });
  const provider = createCredentialProvider(options.provider, homeserver);
  const refuseOpenRegistration = createRegistrationCheck(homeserver);
  const tasks = createAccountTasks({ homeserver, ghosts, store, provider, logger });
  const request = <T>(method: "POST" | "DELETE", path: string, more: RequestOptions) =>
    homeserver.request<T>(method, `/_matrix/client/v3/${path}`, { ...more, timeoutMs: ANSWER_LIMIT_MS });

  /** Asks the worker to join the user's ghost to its rooms, and waits up to {@link ROOMS_LIMIT_MS} for it. */
  async function enterRooms(userId: number): Promise<void> {
    const deadline = performance.now() + ROOMS_LIMIT_MS;
    let rooms = await store.markMatrixAccount(userId);
    while (rooms.some(({ matrixRoomId }) => matrixRoomId !== null) && performance.now() < deadline) {
      await delay(ROOMS_POLL_MS);
      rooms = await store.roomsToEnter(userId);
    }
  }

  /** Deletes the device, so that its old tokens end. Where the homeserver refuses that, the sign-in continues. */
  async function deleteDevice(asUser: string, deviceId: string): Promise<void> {
    try {
      await request("DELETE", `devices/${encodeURIComponent(deviceId)}`, { asUser, body: {} });
    } catch (error) {
      if (!(error instanceof HomeserverError) || error.temporary) throw error;
      if (error.status === 404) return;
      logger.warn(
        { event: "matrix.device_not_deleted", err: error },
        "the homeserver refused to delete a device; its old tokens may stay valid",
      );
    }
  }

  /**
   * Makes a device or password that ends with the credential. Waiting tasks of the user run first. When the credential is
   * revoked during `make`, the new device or password is ended too.
   * @throws DomainError `unauthorized` when the credential was revoked; OpenRegistrationError
   */
  async function withGrant<T>(grant: Grant, make: () => Promise<T>): Promise<T> {
    await refuseOpenRegistration();
    await tasks.runFor(grant.userId);
    if (!(await store.grant(grant))) throw revokedError();
    const made = await make();
    if (await store.isGranted(grant)) return made;
    await store.revoke(grant);
    throw revokedError();
  }

  async function signIn(user: string, deviceId: string): Promise<LoginAnswer> {
    await homeserver.ensureRegistered(user, ANSWER_LIMIT_MS);
    if (provider.mas) {
      const token = await provider.mas.signIn(user, deviceId);
      return { user_id: homeserver.userId(user), access_token: token, device_id: deviceId };
    }
    await deleteDevice(homeserver.userId(user), deviceId);
    const body = {
      type: "m.login.application_service",
      identifier: { type: "m.id.user", user },
      device_id: deviceId,
      refresh_token: true,
    };
    return await request<LoginAnswer>("POST", "login", { body }).catch((error: unknown) => {
      if (error instanceof HomeserverError && error.says("M_USER_DEACTIVATED"))
        throw deactivatedError(homeserver.userId(user));
      throw error;
    });
  }

  return {
    idOf: (userId) => ghosts.ofUser(userId),

    credentials: ({ id }, credential) =>
      withDomainErrors(logger, async () => {
        const username = ghosts.localpart(id);
        const password = newMatrixPassword();
        await withGrant({ userId: id, device: null, credential }, async () => {
          await homeserver.ensureRegistered(username, ANSWER_LIMIT_MS);
          const userID = homeserver.userId(username);
          if (await isDeactivated(homeserver, userID, provider.mas, { timeoutMs: ANSWER_LIMIT_MS }))
            throw deactivatedError(userID);
          await provider.setPassword(homeserver.userId(username), password);
        });
        await enterRooms(id);
        const url = withoutSlash(options.publicBaseUrl ?? homeserver.baseUrl);
        return { username, password, userID: homeserver.userId(username), homeserver: url };
      }),

    login: ({ id }, deviceId, credential) =>
      withDomainErrors(logger, async () => {
        if (deviceId === BRIDGE_DEVICE) throw badField("deviceID", "is the bridge's own, take another");
        const grant: Grant = { userId: id, device: deviceId, credential };
        const answer = await withGrant(grant, () => signIn(ghosts.localpart(id), deviceId));
        await enterRooms(id);
        return loginOf(answer, options.publicBaseUrl, homeserver.baseUrl);
      }),
  };
}

function revokedError(): DomainError {
  return new DomainError("unauthorized", "What you signed in with was revoked; sign in again");
}

function loginOf(answer: LoginAnswer, publicBaseUrl: string | undefined, baseUrl: string): MatrixLogin {
  const wellKnown: MatrixLogin["wellKnown"] = {};
  for (const [name, { base_url: url }] of Object.entries(answer.well_known ?? {})) {
    if (url !== undefined) wellKnown[name] = { base_url: withoutSlash(url) };
  }
  if (publicBaseUrl !== undefined || !wellKnown["m.homeserver"]) {
    wellKnown["m.homeserver"] = { base_url: withoutSlash(publicBaseUrl ?? baseUrl) };
  }
  return {
    accessToken: answer.access_token,
    deviceID: answer.device_id,
    ...(answer.expires_in_ms !== undefined && { expiresInMS: answer.expires_in_ms }),
    ...(answer.refresh_token !== undefined && { refreshToken: answer.refresh_token }),
    userID: answer.user_id,
    wellKnown,
  };
}

/** Turns a HomeserverError into a DomainError `unavailable`, the only kind of error that callers know. */
async function withDomainErrors<T>(logger: Pick<Logger, "warn">, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof HomeserverError)) throw error;
    logger.warn(
      { event: "matrix.account_request_failed", err: error },
      "the homeserver did not do what an account needs; the client was told to try again",
    );
    const what = error.away ? "The Matrix homeserver can't be reached" : "The Matrix homeserver refused";
    throw new DomainError("unavailable", `${what}; try again later`, {
      ...(error.retryAfterMs !== null && { retryAfterMs: error.retryAfterMs }),
    });
  }
}
