/**
 * The connection to the homeserver: sets up the bot, watches that the homeserver answers, and starts over after an
 * outage. After each set-up a ping makes the homeserver deliver the events that it held back, and the reconciler fetches
 * the events that it lost.
 */
import { setTimeout as delay } from "node:timers/promises";
import { backoffMs } from "../../src/domain/backoff.ts";
import type { Logger } from "../../src/logger.ts";
import type { Homeserver } from "../homeserver/homeserver.ts";
import { HomeserverError } from "../homeserver/homeserver-error.ts";
import { OpenRegistrationError } from "../homeserver/open-registration.ts";
import { BRIDGE_DEVICE, type Ghosts } from "../mapping/ghosts.ts";
import type { Reconciler } from "./reconciler.ts";

export interface HomeserverConnection {
  /** Whether events may be sent to the homeserver. */
  readonly connected: boolean;
  /** The version of new rooms. Known once connected. */
  readonly roomVersion: string;
  health(): { ok: boolean; detail?: string };
  /** Call this when the homeserver did not answer or has restarted: the connection is set up again. */
  lost(reason: string): void;
  /** Resolves when the connection has ended. Abort the signal first. */
  done(): Promise<void>;
}

export interface HomeserverConnectionOptions {
  homeserver: Homeserver;
  ghosts: Ghosts;
  reconciler: Reconciler;
  /** Refuses a homeserver that must not be used. @throws OpenRegistrationError, HomeserverError */
  check: () => Promise<void>;
  /** Is called each time the connection is set up. */
  onConnected: () => void;
  logger: Pick<Logger, "info" | "warn" | "error">;
  signal: AbortSignal;
  /** Interval of the search for events that were not delivered, ms. */
  reconcileMs: number;
  /** The version that new rooms are to have, where the homeserver knows it. */
  roomVersion: string;
}

const BOT_NAME = "Causeway";
const RETRIES = { firstMs: 250, maxMs: 10_000 };
/** How long the homeserver may take to deliver an event before the reconciler fetches it. */
const GRACE_MS = 3_000;
const NOT_CONNECTED = "The homeserver was not reached yet";

export function createHomeserverConnection(options: HomeserverConnectionOptions): HomeserverConnection {
  const { homeserver, ghosts, reconciler, logger, signal } = options;
  let connected = false;
  /** Why the homeserver can't deliver to us; null when it can. */
  let undelivered: string | null = "The homeserver was not asked to deliver yet";
  let detail = NOT_CONNECTED;
  let { roomVersion } = options;
  let interrupt = new AbortController();
  /** Connections in a row that failed before their first interval was over. */
  let failures = 0;
  let warned = false;
  let refused = false;

  async function connect(): Promise<void> {
    await options.check();
    refused = false;
    await homeserver.ensureRegistered(`${homeserver.registration.prefix}bot`);
    await homeserver.ensureDevice(ghosts.bot, BRIDGE_DEVICE);
    await nameBot(homeserver, ghosts.bot);
    roomVersion = await chooseRoomVersion();
    await reconciler.ensureCursor();
  }

  /** The wanted version; the homeserver's default where it has a list of versions without that one. */
  async function chooseRoomVersion(): Promise<string> {
    const { roomVersion: wanted } = options;
    const known = await roomVersions(homeserver, ghosts.bot);
    if (!known?.available || wanted in known.available || known.default === undefined) return wanted;
    logger.warn(
      { event: "matrix.room_version_unknown", wanted, roomVersion: known.default },
      "the homeserver does not know the version that rooms are to have; new rooms get its default",
    );
    return known.default;
  }

  /** Asks the homeserver to call us. This also makes it deliver the events that it held back. */
  async function ping(): Promise<void> {
    const path = `/_matrix/client/v1/appservice/${encodeURIComponent(homeserver.registration.id)}/ping`;
    try {
      await homeserver.request("POST", path, { body: { transaction_id: `cw.${Date.now()}` } });
      undelivered = null;
    } catch (error) {
      if (!(error instanceof HomeserverError) || error.outage) throw error;
      // Some homeservers have no ping (Matrix v1.7); their deliveries have to show that they reach us.
      if (error.says("M_UNRECOGNIZED") || error.status === 404) undelivered = null;
      else undelivered = `The homeserver can't deliver to ${homeserver.registration.url}: ${error.message}`;
    }
  }

  /** A failure is logged, and the next run makes up for it. Only an outage is thrown and ends the connection. */
  async function reconcile(graceMs: number): Promise<void> {
    try {
      await reconciler.reconcile(graceMs);
    } catch (error) {
      if (signal.aborted || (error instanceof HomeserverError && error.outage)) throw error;
      logger.warn(
        { event: "bridge.audit_failed", err: error },
        "could not look for events that the homeserver did not deliver; the next audit tries again",
      );
    }
  }

  async function run(): Promise<void> {
    for (; !signal.aborted; failures++) {
      try {
        interrupt = new AbortController();
        await connect();
        await keepConnected();
      } catch (error) {
        if (signal.aborted) return;
        connected = false;
        // When `lost` interrupted the pause, its reason is the cause of an AbortError.
        const reason = error instanceof Error && error.name === "AbortError" ? error.cause : error;
        detail = reason instanceof Error ? reason.message : String(reason);
        tellFailure(reason);
        await pause(backoffMs(RETRIES, failures));
      }
    }
  }

  /** Tells an outage, and a homeserver that must not be used, the first time in a row. */
  function tellFailure(reason: unknown): void {
    if (reason instanceof OpenRegistrationError) {
      if (!refused)
        logger.error(
          { event: "matrix.registration_open", err: reason },
          "the Matrix homeserver lets strangers register; the bridge uses it when registration is closed",
        );
      refused = true;
    } else {
      if (!warned)
        logger.warn(
          { event: "matrix.away", err: reason },
          "could not use the Matrix homeserver; chat goes on without it, and the bridge tries again",
        );
      warned = true;
    }
  }

  /** Runs for as long as the homeserver answers, and throws when it no longer does. */
  async function keepConnected(): Promise<void> {
    detail = "Looking for what happened in Matrix meanwhile";
    // Before anything is sent: after a restore of the database, Matrix already has events that the outbox would send.
    await reconcile(0);
    connected = true;
    warned = false;
    logger.info(
      { event: "matrix.connected", homeserver: homeserver.baseUrl, roomVersion },
      "connected to the Matrix homeserver",
    );
    options.onConnected();
    for (let round = 0; ; round++) {
      await ping();
      if (round > 0) await reconcile(GRACE_MS);
      // Until the homeserver reaches us the pings come faster: our own server may just be starting.
      const quick = backoffMs(RETRIES, round);
      const pauseMs = undelivered === null ? options.reconcileMs : Math.min(quick, options.reconcileMs);
      await delay(pauseMs, undefined, { signal: AbortSignal.any([signal, interrupt.signal]) });
      failures = 0;
    }
  }

  async function pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal }).catch(() => {
      // The signal ended the pause; the caller looks at it.
    });
  }

  const running = run();
  return {
    get connected() {
      return connected;
    },
    get roomVersion() {
      return roomVersion;
    },
    health() {
      if (!connected) return { ok: false, detail };
      return undelivered === null ? { ok: true } : { ok: false, detail: undelivered };
    },
    lost(reason) {
      if (!connected) return;
      connected = false;
      detail = reason;
      interrupt.abort(new Error(reason));
    },
    done: () => running,
  };
}

/** Sets the bot's name unless it is set: each change makes the homeserver update all rooms of the bot. */
async function nameBot(homeserver: Homeserver, asUser: string): Promise<void> {
  const path = `/_matrix/client/v3/profile/${encodeURIComponent(asUser)}/displayname`;
  const { displayname } = await homeserver
    .request<{ displayname?: unknown }>("GET", path, { asUser })
    .catch((error: unknown) => {
      if (error instanceof HomeserverError && error.says("M_NOT_FOUND")) return { displayname: undefined };
      throw error;
    });
  if (displayname !== BOT_NAME)
    await homeserver.request("PUT", path, { asUser, body: { displayname: BOT_NAME } });
}

interface RoomVersions {
  default?: string;
  available?: Record<string, unknown>;
}

async function roomVersions(homeserver: Homeserver, asUser: string): Promise<RoomVersions | undefined> {
  const path = "/_matrix/client/v3/capabilities";
  const answer = await homeserver.request<{ capabilities?: { "m.room_versions"?: RoomVersions } }>(
    "GET",
    path,
    {
      asUser,
    },
  );
  return answer.capabilities?.["m.room_versions"];
}
