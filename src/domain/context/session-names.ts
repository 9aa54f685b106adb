/** What sessions are called in hot state, and what others in a call know them by. */
import { createHash } from "node:crypto";

/** The names of clients that joined rooms without a WebSocket session begin with this; the name of a WebSocket session is its id. */
export const JOINED = "joined:";
/** Bytes of the hash that stands for such a name: as many as the id of a WebSocket session has. */
const HASH_BYTES = 15;

export function isJoinedSession(session: string): boolean {
  return session.startsWith(JOINED);
}

/**
 * The id by which others in a call address a session, of its name in hot state. A WebSocket session has its own id. The name of
 * another client tells how it is distinguished, so a hash of it is shown.
 */
export function callSessionId(session: string): string {
  if (!isJoinedSession(session)) return session;
  return createHash("sha256").update(session).digest().subarray(0, HASH_BYTES).toString("base64url");
}
