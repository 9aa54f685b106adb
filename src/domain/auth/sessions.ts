/**
 * The sessions of people who joined a room (Talk's `sessionId`, 512 characters) and who guests are. All of it is derived
 * from the database's secret, so that there is no table of sessions, and every process and every restart agrees.
 */
import { createHash, createHmac, hkdfSync } from "node:crypto";
import { type Actor, type Membership, memberKey } from "../model.ts";
import type { ClientName } from "../use-cases/rooms.ts";

export interface Sessions {
  /**
   * The id of a session in this room, by its name in hot state. A guest is one browser: theirs goes by their secret alone.
   */
  of(membership: Pick<Membership, "member" | "guestSeed">, token: string, session: string): string;
  /** Who holds a guest's secret in this room. The seed is kept with the membership; the secret is kept nowhere. */
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

/** A guest's id is the hash of the session, as Talk's clients expect. */
export function guestIdOf(sessionId: string): string {
  return createHash("sha1").update(sessionId).digest("hex");
}

const JOINED = "joined:";

/** A person's only client, for faces that don't tell clients apart; that of every guest. */
export const ONLY_CLIENT: ClientName = { id: "only.", part: ":only." };

/** The name in hot state of a client that joined rooms, beside the sessions of the WebSocket. */
export function joinedSession(actor: Pick<Actor, "kind" | "id">, clientId: string): string {
  return `${JOINED}${memberKey(actor)}:${clientId}`;
}

export function isJoinedSession(session: string): boolean {
  return session.startsWith(JOINED);
}
