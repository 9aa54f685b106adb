/**
 * Matrix ids of ghosts: the accounts through which users and guests write in Matrix. A user's ghost is named after the
 * user's int64 id, which never changes, is never used again, and can be read back from the Matrix id.
 */
import { createHash } from "node:crypto";
import type { Actor } from "../../src/domain/model.ts";

type Ghost =
  | { kind: "user"; userId: number }
  /** Creates the rooms and writes for Causeway itself. */
  | { kind: "bot" }
  /** A guest, or the application service's own sender: nobody signs in as these. */
  | { kind: "other" };

export interface Ghosts {
  /** The bot's full Matrix id. */
  readonly bot: string;
  /** A user's localpart and full Matrix id. */
  localpart(userId: number): string;
  ofUser(userId: number): string;
  /** The Matrix id under which an actor appears: users and guests as themselves, Causeway as the bot. */
  ofActor(actor: Pick<Actor, "kind" | "id">): string;
  /** Reads a Matrix id back; null for people who are not ours. */
  read(matrixId: string): Ghost | null;
}

/** The bridge's own device on every ghost; no person signs in on it. */
export const BRIDGE_DEVICE = "CAUSEWAY";

/** Longer localparts are hashed: a Matrix id has at most 255 bytes, the server's name included. */
const MAX_GUEST = 100;

export function createGhosts(options: {
  prefix: string;
  serverName: string;
  senderLocalpart: string;
}): Ghosts {
  const { prefix, serverName, senderLocalpart } = options;
  const full = (localpart: string) => `@${localpart}:${serverName}`;
  const localpart = (userId: number) => `${prefix}${userId}`;
  const bot = full(`${prefix}bot`);
  const start = `@${prefix}`;
  const end = `:${serverName}`;

  return {
    bot,
    localpart,
    ofUser: (userId) => full(localpart(userId)),
    ofActor({ kind, id }) {
      switch (kind) {
        case "user":
          return full(`${prefix}${id}`);
        case "guest":
          return full(`${prefix}guest_${escapedLocalpart(id)}`);
        case "matrix":
          return id;
        case "system":
          return bot;
      }
    },
    read(matrixId) {
      if (matrixId === bot) return { kind: "bot" };
      if (matrixId === full(senderLocalpart)) return { kind: "other" };
      if (!matrixId.startsWith(start) || !matrixId.endsWith(end)) return null;
      const name = matrixId.slice(start.length, -end.length);
      return /^[1-9]\d{0,15}$/.test(name) ? { kind: "user", userId: Number(name) } : { kind: "other" };
    },
  };
}

/** Capitals become `_` and the letter, other bytes outside the grammar `=hh` (Matrix, "Mapping from other character sets"). */
function escapedLocalpart(text: string): string {
  const escaped = [...Buffer.from(text)].map(escapedByte).join("");
  return escaped.length > MAX_GUEST ? createHash("sha256").update(text).digest("hex") : escaped;
}

function escapedByte(byte: number): string {
  const letter = String.fromCharCode(byte);
  if (/[a-z0-9./+-]/.test(letter)) return letter;
  if (/[A-Z_]/.test(letter)) return `_${letter.toLowerCase()}`;
  return `=${byte.toString(16).padStart(2, "0")}`;
}

/** The localpart of an account of this homeserver. */
export function localpartOf(matrixId: string, { serverName }: { serverName: string }): string {
  return matrixId.slice(1, -`:${serverName}`.length);
}
