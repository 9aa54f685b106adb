/**
 * People's own accounts in Matrix: what Messenger's GetCredentials and Login hand out. Every process can do this for
 * itself; only getting people into their rooms is the bridge worker's, and is waited for a moment.
 */
import { setTimeout as delay } from "node:timers/promises";
import { badField, DomainError } from "../../src/domain/errors.ts";
import type { MatrixAccounts, MatrixLogin } from "../../src/domain/ports/matrix.ts";
import type { Logger } from "../../src/logger.ts";
import { BRIDGE_DEVICE, createGhosts } from "../mapping/ghosts.ts";
import type { BridgeAccounts, Grant } from "../store/accounts.ts";
import type { BridgeStore } from "../store/bridge-store.ts";
import { createAccountTasks, newMatrixPassword } from "./account-tasks.ts";
import { ANSWER_LIMIT_MS, type CredentialProviderName, createCredentialProvider } from "./credentials.ts";
import type { Homeserver, RequestOptions } from "./homeserver.ts";
import { HomeserverError } from "./homeserver-error.ts";

export interface MatrixAccountsOptions {
  homeserver: Homeserver;
  store: Pick<BridgeStore, "markMatrixAccount" | "roomsToEnter"> & BridgeAccounts;
  /** What Matrix clients are told (MATRIX_PUBLIC_URL); unset: what the homeserver says, else where we reach it. */
  publicBaseUrl?: string | undefined;
  provider: CredentialProviderName;
  logger: Pick<Logger, "warn">;
}

/** The homeserver's answer, as far as it is used (Matrix, `POST /_matrix/client/v3/login`). */
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

export function createMatrixAccounts(options: MatrixAccountsOptions): MatrixAccounts {
  const { homeserver, store, logger } = options;
  const ghosts = createGhosts({ ...homeserver.registration, serverName: homeserver.serverName });
  const provider = createCredentialProvider(options.provider, homeserver);
  const tasks = createAccountTasks({ homeserver, ghosts, store, provider, logger });
  const request = <T>(method: "POST" | "DELETE", path: string, more: RequestOptions) =>
    homeserver.request<T>(method, `/_matrix/client/v3/${path}`, { ...more, timeoutMs: ANSWER_LIMIT_MS });

  /** Waits until the worker has the person in their rooms, or invited; what takes longer follows by itself. */
  async function enterRooms(userId: number): Promise<void> {
    const deadline = performance.now() + ROOMS_LIMIT_MS;
    let rooms = await store.markMatrixAccount(userId);
    while (rooms.some(({ matrixRoomId }) => matrixRoomId !== null) && performance.now() < deadline) {
      await delay(ROOMS_POLL_MS);
      rooms = await store.roomsToEnter(userId);
    }
  }

  /** A homeserver may let nobody but a device's owner delete it; signing in again goes on all the same. */
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
   * Makes something for the user that ends with the credential: what waits to be ended is ended before, and a credential
   * that is revoked meanwhile ends what was just made.
   */
  async function withGrant<T>(grant: Grant, make: () => Promise<T>): Promise<T> {
    await tasks.runFor(grant.userId);
    if (!(await store.grant(grant))) throw revokedError();
    const made = await make();
    if (await store.isGranted(grant)) return made;
    await store.revoke(grant);
    throw revokedError();
  }

  async function signIn(user: string, deviceId: string): Promise<LoginAnswer> {
    await homeserver.ensureRegistered(user, ANSWER_LIMIT_MS);
    await deleteDevice(homeserver.userId(user), deviceId);
    return await request<LoginAnswer>("POST", "login", {
      body: {
        type: "m.login.application_service",
        identifier: { type: "m.id.user", user },
        device_id: deviceId,
        refresh_token: true,
      },
    });
  }

  return {
    credentials: ({ id }, credential) =>
      withDomainErrors(logger, async () => {
        const username = ghosts.localpart(id);
        const password = newMatrixPassword();
        await withGrant({ userId: id, device: null, credential }, async () => {
          await homeserver.ensureRegistered(username, ANSWER_LIMIT_MS);
          await provider.setPassword(homeserver.userId(username), password);
        });
        await enterRooms(id);
        return { username, password };
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

/** Some clients put `/_matrix/…` behind it as it is, and `//_matrix` is no path of a homeserver. */
function withoutSlash(url: string): string {
  return url.replace(/\/+$/, "");
}

/** Callers know the domain's refusals only. */
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
