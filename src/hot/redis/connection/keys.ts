/**
 * The names of all keys in Redis. The keys of one script or multi-key command have one hash tag (the part in braces), so
 * that they are in one slot of a cluster.
 *
 * Every name contains the database's history: after a restore the same numbers are other rooms and other people, and must
 * not find the former ones' hot state. All keys have a time to live, so abandoned keys vanish. When a restore is not
 * recognised, the names stay the same. Then this protects people:
 * - tokens: each is bound to the secret of its login, which no other login can have (domain/auth/authentication.ts);
 * - limits: at worst one person waits for another's bucket to refill;
 * - sessions: shown to operators only;
 * - presence, typing, calls, signalingQueues: at most minutes old, and shown only to members of the room;
 * - unread: at most an hour old, and only a number beside a room; the store decides everything else.
 */
import { createHash } from "node:crypto";
import type { MemberKey } from "../../../domain/model.ts";

/** An index over all rooms or sessions has so many parts, which spreads it over a cluster and bounds each step of a sweep. */
export const SHARDS = 16;

export type Keys = ReturnType<typeof createKeys>;

/** @param history the current name of the database's history; see {@link historyName} */
export function createKeys(history: () => string) {
  const named = (name: string) => `cw:${history()}:${name}`;
  return {
    token: (hash: string) => named(`token:${hash}`),
    tokensOfLogin: (loginId: number) => named(`{login:${loginId}}:tokens`),
    tokensOfUser: (userId: number) => named(`{user:${userId}}:tokens`),

    sessionsOfUser: (userId: number) => named(`{user:${userId}}:sessions`),
    sessionDeadlines: (shard: number) => named(`{sessions:${shard}}:deadlines`),
    sessionUsers: (shard: number) => named(`{sessions:${shard}}:users`),

    lastPings: (member: MemberKey) => named(`{member:${member}}:pings`),
    unread: (member: MemberKey) => named(`{member:${member}}:unread`),

    active: (roomId: number) => named(`{room:${roomId}}:active`),
    activeNames: (roomId: number) => named(`{room:${roomId}}:names`),
    activeSessions: (roomId: number) => named(`{room:${roomId}}:sessions`),
    signalingQueue: (address: string) => named(`mailbox:${address}`),
    typing: (roomId: number) => named(`{room:${roomId}}:typing`),
    typingNames: (roomId: number) => named(`{room:${roomId}}:typing:names`),
    call: (roomId: number) => named(`{room:${roomId}}:call`),
    callDeadlines: (roomId: number) => named(`{room:${roomId}}:call:deadlines`),
    callFlags: (roomId: number) => named(`{room:${roomId}}:call:flags`),

    /** Rooms by the time of their next decay. */
    deadlines: (kind: "calls" | "active" | "typing", shard: number) => named(`deadlines:${kind}:${shard}`),
    /** The birth of hot state, ms. */
    born: () => named("born"),
    limit: (key: string) => named(`limit:${key}`),
    /** An empty key. Its slot chooses the node of a cluster through which all processes publish. */
    publishers: () => named("publishers"),
  };
}

/** The prefix of every channel. Channels do not belong to databases, so the number separates users of one server. */
export const channelPrefix = (db: number, history: string): string => `cw:${db}:${history}:`;

/** A short name for an epoch, which may be any text. */
export function historyName(epoch: string): string {
  return createHash("sha256").update(epoch).digest("base64url").slice(0, 10);
}

/** FNV-1a. */
export function shardOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % SHARDS;
}
