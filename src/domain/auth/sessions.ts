/**
 * Session ids of people who joined a room (Talk's `sessionId`, 512 characters), and ids of guests. All are derived from the
 * database's secret, so that there is no table of them, and they are the same in every process and after a restart.
 */
import { createHash, createHmac, hkdfSync } from "node:crypto";
import { JOINED } from "../context/session-names.ts";
import { type Actor, type Membership, memberKey } from "../model.ts";
import type { ClientName } from "../use-cases/rooms.ts";

export interface Sessions {
  /** The id of a session in this room, by its name in hot state. A guest's depends only on the guest's secret. */
  of(membership: Pick<Membership, "member" | "guestSeed">, token: string, session: string): string;
  /** The guest with this secret in the room. The seed is stored with the membership; the secret is not stored. */
  guest(secret: string, token: string): { id: string; seed: string };
}

/** 512 characters of base64. */
const SESSION_BYTES = 384;

export function createSessions(serverSecret: string): Sessions {
  const derive = (seed: string, token: string) =>
    Buffer.from(hkdfSync("sha512", serverSecret, token, seed, SESSION_BYTES)).toString("base64url");
  return {
    of: ({ member, guestSeed }, token, session) => derive(guestSeed ?? `member ${member} ${session}`, token),
    guest(secret, token) {
      const seed = createHmac("sha256", serverSecret).update(`guest ${token} ${secret}`).digest("base64url");
      return { seed, id: guestIdOf(derive(seed, token)) };
    },
  };
}

/** A guest's id: the hash of the session id, as Talk's clients expect. */
export function guestIdOf(sessionId: string): string {
  return createHash("sha1").update(sessionId).digest("hex");
}

/** The client of every guest, and of users on APIs that do not distinguish clients. */
export const ONLY_CLIENT: ClientName = { id: "only.", part: ":only." };

/** The name in hot state of a client that joined rooms without a WebSocket session. */
export function joinedSession(actor: Pick<Actor, "kind" | "id">, clientId: string): string {
  return `${JOINED}${memberKey(actor)}:${clientId}`;
}
