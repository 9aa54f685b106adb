/**
 * Makes the application service's own user, the sender, an administrator of Synapse. Then the as_token gives access to the
 * admin API, and no second secret has to be kept. Needed once per homeserver.
 */
import { createHmac, randomBytes } from "node:crypto";
import type { Homeserver } from "./homeserver.ts";
import { HomeserverError } from "./homeserver-error.ts";

/** What Synapse accepts as proof: an administrator's access token, or its `registration_shared_secret`. */
export type AdminProof = { accessToken: string } | { sharedSecret: string };

const LIMIT_MS = 30_000;

/**
 * @returns false when the sender was an administrator already
 * @throws HomeserverError, or Error with Synapse's answer
 */
export async function makeSenderAdmin(homeserver: Homeserver, proof: AdminProof): Promise<boolean> {
  const { senderLocalpart } = homeserver.registration;
  const sender = `/_synapse/admin/v2/users/${encodeURIComponent(homeserver.userId(senderLocalpart))}`;
  await homeserver.ensureRegistered(senderLocalpart);
  if (await isAdmin(homeserver, sender)) return false;
  if ("accessToken" in proof) {
    await ask(homeserver, "PUT", sender, { admin: true }, proof.accessToken);
    return true;
  }
  const helper = await registerHelper(homeserver, proof.sharedSecret);
  try {
    await ask(homeserver, "PUT", sender, { admin: true }, helper.access_token);
  } finally {
    const path = `/_synapse/admin/v1/deactivate/${encodeURIComponent(helper.user_id)}`;
    await ask(homeserver, "POST", path, { erase: true }, helper.access_token);
  }
  return true;
}

/** Whether the sender is an administrator: only then may it use the admin API, here to look itself up. */
async function isAdmin(homeserver: Homeserver, sender: string): Promise<boolean> {
  try {
    await homeserver.request("GET", sender);
    return true;
  } catch (error) {
    if (error instanceof HomeserverError && error.says("M_FORBIDDEN")) return false;
    throw error;
  }
}

interface Helper {
  user_id: string;
  access_token: string;
}

/** Registers a temporary administrator, whose password is not kept. */
async function registerHelper(homeserver: Homeserver, sharedSecret: string): Promise<Helper> {
  const path = "/_synapse/admin/v1/register";
  const { nonce } = await ask<{ nonce: string }>(homeserver, "GET", path);
  const username = `causeway-setup-${randomBytes(6).toString("hex")}`;
  const password = randomBytes(24).toString("base64url");
  const mac = createHmac("sha1", sharedSecret)
    .update([nonce, username, password, "admin"].join("\0"))
    .digest("hex");
  return ask(homeserver, "POST", path, { nonce, username, password, admin: true, mac });
}

/** A request that is not made as the application service, so without its client. */
async function ask<T>(
  { baseUrl }: Homeserver,
  method: string,
  path: string,
  body?: object,
  token?: string,
): Promise<T> {
  const answer = await fetch(baseUrl + path, {
    method,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(LIMIT_MS),
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${baseUrl}${path} answered ${answer.status}: ${text}`);
  return JSON.parse(text) as T;
}
