/**
 * Invitations of ghosts to Matrix rooms that the bridge did not make, from their delivery until they are answered
 * (schema/migrations/0066-matrix-requests.sql).
 */
import type { StoreSql } from "../../src/store/postgres.ts";

export interface Invitation {
  eventId: string;
  matrixRoomId: string;
  /** The Matrix ids of who is invited, and by whom. */
  ghost: string;
  sender: string;
  /** The sender's name in that room. */
  senderName: string;
  /** The sender's client calls the room a direct chat. */
  direct: boolean;
  encrypted: boolean;
}

export interface OpenInvitation extends Invitation {
  /** The two for whose room the chat is asked, and whether it was. */
  pair: string | null;
  asked: boolean;
  /** Why it is to be refused; null until that is known. */
  refusal: string | null;
  failures: number;
}

export interface BridgeInvitations {
  /** Stores invitations, each once, without those to rooms of the bridge. */
  receiveInvitations(invitations: readonly Invitation[]): Promise<void>;
  /** Leases to the caller those that are to be answered: new ones, and ones whose request was refused. */
  leaseInvitations(limit: number, leaseMs: number): Promise<OpenInvitation[]>;
  /**
   * Stores for which two (see `pairOf`) the chat is asked for a room next.
   * @returns false where another invitation of the same two is open
   */
  claimPair(eventId: string, pair: string): Promise<boolean>;
  /** Stores that the chat was asked. */
  invitationAsked(eventId: string): Promise<void>;
  refuseInvitation(eventId: string, reason: string): Promise<void>;
  invitationDone(eventId: string): Promise<void>;
  /** Counts a failure and ends the lease. The invitation is due again in `retryInMs`. */
  invitationFailed(eventId: string, retryInMs: number): Promise<void>;
  /**
   * The invitation that a chatroom came from and whose Matrix room is still to be entered. `taken`: that is another chatroom's by now.
   */
  invitationOf(roomId: number): Promise<(OpenInvitation & { taken: boolean }) | null>;
  /** Stores that a chatroom's Matrix room is one that somebody in Matrix made, and that these are in it. */
  putForeignRoom(
    roomId: number,
    made: { matrixRoomId: string; roomVersion: string; joined: readonly string[] },
  ): Promise<void>;
  /** Deletes invitations that were answered longer ago than `keepMs`. */
  purgeInvitations(keepMs: number): Promise<void>;
}

export function createBridgeInvitations(sql: StoreSql): BridgeInvitations {
  const taken = sql.unsafe(
    `i.event_id as "eventId", i.matrix_room_id as "matrixRoomId", i.ghost, i.sender, i.sender_name as "senderName",
     i.direct, i.encrypted, i.pair, i.conversation_id is not null as asked, i.refusal, i.failures`,
  );
  const done = (eventId: string) => sql`
    update bridge_invitations set done_at = causeway_now(), leased_until = 0 where event_id = ${eventId}`;

  return {
    async receiveInvitations(invitations) {
      for (const { eventId, matrixRoomId, ghost, sender, senderName, direct, encrypted } of invitations)
        await sql`
          insert into bridge_invitations (event_id, matrix_room_id, ghost, sender, sender_name, direct, encrypted)
          select ${eventId}, ${matrixRoomId}, ${ghost}, ${sender}, ${senderName}, ${direct}, ${encrypted}
          where not exists (select from conversations where matrix_room_id = ${matrixRoomId})
          on conflict (event_id) do nothing`;
    },
    async leaseInvitations(limit, leaseMs) {
      return await sql<OpenInvitation[]>`
        update bridge_invitations i set leased_until = causeway_now() + ${leaseMs}::bigint
        where i.event_id in (
          select k.event_id from bridge_invitations k
          where k.done_at is null and k.retry_at <= causeway_now() and k.leased_until <= causeway_now()
            and (k.conversation_id is null or k.refusal is not null
              or not exists (select from conversations c where c.id = k.conversation_id))
          order by k.retry_at limit ${limit} for update skip locked)
        returning ${taken}`;
    },
    async claimPair(eventId, pair) {
      const { count } = await sql`
        update bridge_invitations set pair = ${pair}
        where event_id = ${eventId} and not exists (
          select from bridge_invitations o
          where o.pair = ${pair} and o.event_id <> ${eventId} and o.done_at is null and o.refusal is null)`;
      return count > 0;
    },
    async invitationAsked(eventId) {
      await sql`
        update bridge_invitations i set conversation_id = c.id, leased_until = 0
        from conversations c where i.event_id = ${eventId} and c.pair = i.pair`;
    },
    async refuseInvitation(eventId, reason) {
      await sql`update bridge_invitations set refusal = ${reason} where event_id = ${eventId}`;
    },
    async invitationDone(eventId) {
      await done(eventId);
    },
    async invitationFailed(eventId, retryInMs) {
      await sql`
        update bridge_invitations
        set leased_until = 0, failures = failures + 1, retry_at = causeway_now() + ${retryInMs}::bigint
        where event_id = ${eventId}`;
    },
    async invitationOf(roomId) {
      const [row] = await sql<(OpenInvitation & { taken: boolean })[]>`
        select ${taken}, exists (
          select from conversations c where c.matrix_room_id = i.matrix_room_id and c.id <> ${roomId}) as taken
        from bridge_invitations i
        where i.pair = (select pair from conversations where id = ${roomId}) and i.done_at is null and i.refusal is null`;
      return row ?? null;
    },
    async putForeignRoom(roomId, { matrixRoomId, roomVersion, joined }) {
      await sql`
        with named as (
          update conversations set matrix_room_id = ${matrixRoomId} where id = ${roomId}
        ), former as (
          delete from bridge_members where conversation_id = ${roomId} and member <> all (${joined}::text[])
        ), members as (
          insert into bridge_members (conversation_id, member, membership)
          select ${roomId}, k.member, 'join' from unnest(${joined}::text[]) as k (member)
          on conflict (conversation_id, member) do update set membership = excluded.membership
        )
        update bridge_rooms set matrix_room_id = ${matrixRoomId}, room_version = ${roomVersion}, foreign_room = true
        where conversation_id = ${roomId}`;
    },
    async purgeInvitations(keepMs) {
      await sql`delete from bridge_invitations where done_at < causeway_now() - ${keepMs}::bigint`;
    },
  };
}
