/**
 * The names of everything in Redis. What one script or multi-key command touches has one hash tag (the part in braces),
 * so that it lies in one slot of a cluster.
 *
 * Every name holds the database's history: after a restore the same numbers are other rooms and other people, and
 * nothing that was kept of the ones before may be found under them. All keys have a time to live, so what nobody finds
 * any more vanishes by itself. Where a restore is not recognised, the names stay the same. Then this protects people:
 * - tokens: each is bound to the secret of its login, which no other login can have (domain/authentication.ts);
 * - limits: at worst somebody waits for a bucket of somebody else to refill;
 * - sessions: shown to operators only;
 * - presence, typing, calls, mailboxes: seconds to minutes old at most, and shown only to who is in the room;
 * - unread: an hour old at most, a number beside a room; the store judges everything else.
 */
import { createHash } from "node:crypto";
import type { MemberKey } from "../../../domain/model.ts";

/** Indexes over everything are cut in so many parts, to spread them over a cluster and to bound each look. */
export const SHARDS = 16;

export type Keys = ReturnType<typeof createKeys>;

/** @param history names the database's history as it is now; see {@link historyName} */
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

    active: (conversationId: number) => named(`{room:${conversationId}}:active`),
    activeNames: (conversationId: number) => named(`{room:${conversationId}}:names`),
    activeSessions: (conversationId: number) => named(`{room:${conversationId}}:sessions`),
    mailbox: (address: string) => named(`mailbox:${address}`),
    typing: (conversationId: number) => named(`{room:${conversationId}}:typing`),
    typingNames: (conversationId: number) => named(`{room:${conversationId}}:typing:names`),
    call: (conversationId: number) => named(`{room:${conversationId}}:call`),
    callDeadlines: (conversationId: number) => named(`{room:${conversationId}}:call:deadlines`),
    callFlags: (conversationId: number) => named(`{room:${conversationId}}:call:flags`),

    /** Rooms by the time at which something in them decays. */
    deadlines: (kind: "calls" | "active" | "typing", shard: number) => named(`deadlines:${kind}:${shard}`),
    /** When hot state began, ms. */
    born: () => named("born"),
    limit: (key: string) => named(`limit:${key}`),
    /** Holds nothing: it names the node of a cluster through which all publish. */
    publishers: () => named("publishers"),
  };
}

/** Put before every channel's name. Channels know no databases: the number keeps apart who shares a server. */
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
