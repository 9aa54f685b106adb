/**
 * The sessions of people who joined a room (Talk's `sessionId`, 512 characters) and who guests are. All of it is derived
 * from the database's secret, so that there is no table of sessions, and every process and every restart agrees.
 */
import { createHash, createHmac, hkdfSync } from "node:crypto";
import type { Actor, Membership } from "./model.ts";

export interface Sessions {
  /** The session that a member has in this room while they have joined it. */
  of(membership: Pick<Membership, "member" | "guestSeed">, token: string): string;
  /** Who holds a guest's secret in this room. The seed is kept with the membership; the secret is kept nowhere. */
  guest(secret: string, token: string): { id: string; seed: string };
}

/** 512 characters of base64. */
const SESSION_BYTES = 384;

export function createSessions(serverSecret: string): Sessions {
  const derive = (seed: string, token: string) =>
    Buffer.from(hkdfSync("sha512", serverSecret, token, seed, SESSION_BYTES)).toString("base64url");
  return {
    of: ({ member, guestSeed }, token) => derive(guestSeed ?? `member ${member}`, token),
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

/** The session of whoever joined the room, in hot state's calls: one for each member, beside those of the WebSocket. */
export function callSessionOf({ kind, id }: Pick<Actor, "kind" | "id">): string {
  return `joined:${kind}:${id}`;
}
