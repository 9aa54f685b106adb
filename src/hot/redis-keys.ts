/**
 * The names of everything in Redis. What one script or multi-key command touches has one hash tag (the part in braces),
 * so that it lies in one slot of a cluster.
 */
import type { MemberKey } from "../domain/model.ts";

/** Indexes over everything are cut in so many parts, to spread them over a cluster and to bound each look. */
export const SHARDS = 16;

export const keys = {
  token: (hash: string) => `cw:token:${hash}`,
  tokensOfLogin: (loginId: number) => `cw:{login:${loginId}}:tokens`,
  tokensOfUser: (userId: number) => `cw:{user:${userId}}:tokens`,

  sessionsOfUser: (userId: number) => `cw:{user:${userId}}:sessions`,
  sessionDeadlines: (shard: number) => `cw:{sessions:${shard}}:deadlines`,
  sessionUsers: (shard: number) => `cw:{sessions:${shard}}:users`,

  lastPings: (member: MemberKey) => `cw:{member:${member}}:pings`,
  unread: (member: MemberKey) => `cw:{member:${member}}:unread`,

  active: (conversationId: number) => `cw:{room:${conversationId}}:active`,
  activeNames: (conversationId: number) => `cw:{room:${conversationId}}:names`,
  mailbox: (address: string) => `cw:mailbox:${address}`,
  typing: (conversationId: number) => `cw:{room:${conversationId}}:typing`,
  call: (conversationId: number) => `cw:{room:${conversationId}}:call`,
  callDeadlines: (conversationId: number) => `cw:{room:${conversationId}}:call:deadlines`,
  callFlags: (conversationId: number) => `cw:{room:${conversationId}}:call:flags`,

  /** Rooms by the time at which something in them decays. */
  deadlines: (kind: "calls" | "active", shard: number) => `cw:deadlines:${kind}:${shard}`,
  limit: (key: string) => `cw:limit:${key}`,
  /** Holds nothing: it names the node of a cluster through which all publish. */
  publishers: "cw:publishers",
} as const;

/** Channels know no databases: the number keeps apart who shares a server. */
export const channelPrefix = (db: number): string => `cw:${db}:`;

/** FNV-1a. */
export function shardOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % SHARDS;
}
