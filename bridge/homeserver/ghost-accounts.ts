/** The ghosts' accounts at the homeserver. They are made when first needed, with a name and a device for the bridge. */
import { LRUCache } from "lru-cache";
import { type Actor, type MemberKey, memberKey } from "../../src/domain/model.ts";
import { BRIDGE_DEVICE, type Ghosts } from "../mapping/ghosts.ts";
import type { BridgeStore } from "../store/bridge-store.ts";
import { isUnregistered } from "./errcodes.ts";
import type { Homeserver, HttpMethod, RequestOptions } from "./homeserver.ts";
import { HomeserverError } from "./homeserver-error.ts";

export interface GhostAccounts {
  /** Makes the account unless it exists. @returns its Matrix id @throws HomeserverError */
  ensure(actor: Actor): Promise<string>;
  /**
   * Sends a request as a ghost, on the bridge's device. When the homeserver has lost the account or device, it is made
   * again and the request repeated once.
   * @throws HomeserverError
   */
  request<T>(matrixId: string, method: HttpMethod, path: string, options?: RequestOptions): Promise<T>;
  /** Whether the homeserver lets us make devices. If not, it forgets transaction ids when it restarts. */
  readonly devices: boolean;
}

const MAX_CACHED_ACCOUNTS = 20_000;
/** Code points; Synapse's limit. */
const MAX_NAME = 256;
const UNKNOWN_DEVICE = ["M_UNKNOWN_DEVICE", "ORG.MATRIX.MSC4326.M_UNKNOWN_DEVICE"];

/** @param onMade called when an account was made, before it is in any room: it has no picture yet */
export function createGhostAccounts(
  homeserver: Homeserver,
  ghosts: Ghosts,
  store: Pick<BridgeStore, "ghost" | "putGhost">,
  onMade: (member: MemberKey) => Promise<void> = async () => {},
): GhostAccounts {
  const made = new LRUCache<MemberKey, true>({ max: MAX_CACHED_ACCOUNTS });
  const making = new Map<MemberKey, Promise<void>>();
  let devices = true;

  async function make(actor: Actor, matrixId: string): Promise<void> {
    const key = memberKey(actor);
    const known = await store.ghost(key);
    if (known === null || known.displayName === "") {
      await homeserver.ensureRegistered(localpartOf(matrixId));
      await setName(actor, matrixId);
      await ensureDevice(matrixId);
      await store.putGhost(key, actor.name, null);
      await onMade(key);
    }
    made.set(key, true);
  }

  async function setName(actor: Actor, matrixId: string): Promise<void> {
    await homeserver.request(
      "PUT",
      `/_matrix/client/v3/profile/${encodeURIComponent(matrixId)}/displayname`,
      {
        asUser: matrixId,
        body: { displayname: [...actor.name].slice(0, MAX_NAME).join("") },
      },
    );
  }

  async function ensureDevice(matrixId: string): Promise<void> {
    if (devices) devices = await homeserver.ensureDevice(matrixId, BRIDGE_DEVICE);
  }

  async function repair(error: unknown, matrixId: string): Promise<boolean> {
    if (!(error instanceof HomeserverError)) return false;
    const unregistered = isUnregistered(error);
    if (unregistered) await homeserver.ensureRegistered(localpartOf(matrixId));
    if (!unregistered && !UNKNOWN_DEVICE.includes(error.errcode ?? "")) return false;
    await ensureDevice(matrixId);
    return true;
  }

  return {
    get devices() {
      return devices;
    },
    async ensure(actor) {
      const matrixId = ghosts.ofActor(actor);
      const key = memberKey(actor);
      if (actor.kind === "matrix" || actor.kind === "system" || made.has(key)) return matrixId;
      let pending = making.get(key);
      if (!pending) {
        pending = make(actor, matrixId).finally(() => making.delete(key));
        making.set(key, pending);
      }
      await pending;
      return matrixId;
    },
    async request(matrixId, method, path, options = {}) {
      const attempt = () =>
        homeserver.request<never>(method, path, {
          ...options,
          asUser: matrixId,
          device: devices ? BRIDGE_DEVICE : undefined,
        });
      try {
        return await attempt();
      } catch (error) {
        if (!(await repair(error, matrixId))) throw error;
        return await attempt();
      }
    },
  };
}

function localpartOf(matrixId: string): string {
  return matrixId.slice(1, matrixId.indexOf(":"));
}
