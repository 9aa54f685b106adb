/**
 * The bridge's tables (schema/migrations/0002-bridge.sql and later). This file: which worker has which room, and how far
 * each log is mirrored. changes.ts: rooms with work. queues.ts: the outbox and the inbox. events.ts: which Matrix event
 * stands for which event of the log. runs.ts: mirroring a log again. media.ts: where files are in Matrix. members.ts:
 * memberships and ghosts. receipts.ts: read markers. accounts.ts: tasks for accounts. dead-letters.ts: what was put aside.
 * waiting.ts: events that wait for another. live.ts: where members are. arriving.ts: files on their way from Matrix.
 * invitations.ts: invitations of ghosts to rooms made in Matrix. spaces.ts: the
 * spaces of organizations. doubts.ts: whether Matrix rooms are as they should be.
 *
 * Atomic: a statement is applied whole or not at all. Safe to retry: applying it twice is the same as once.
 */
import type { Posting, Room } from "../../src/domain/model.ts";
import type { StoreSql } from "../../src/store/postgres.ts";
import { CONVERSATION, columns, noun, type Row } from "../../src/store/sql/rows.ts";
import { type BridgeAccounts, createBridgeAccounts } from "./accounts.ts";
import { type BridgeArriving, createBridgeArriving } from "./arriving.ts";
import { type BridgeChanges, createBridgeChanges } from "./changes.ts";
import { type BridgeDeadLetters, createBridgeDeadLetters } from "./dead-letters.ts";
import { type BridgeDoubts, createBridgeDoubts } from "./doubts.ts";
import { type BridgeEvents, createBridgeEvents } from "./events.ts";
import { type BridgeInvitations, createBridgeInvitations } from "./invitations.ts";
import { type BridgeLive, createBridgeLive } from "./live.ts";
import { type BridgeMedia, createBridgeMedia } from "./media.ts";
import { type BridgeGhosts, type BridgeMembers, createBridgeGhosts, createBridgeMembers } from "./members.ts";
import { type BridgeQueues, createBridgeQueues } from "./queues.ts";
import { type BridgeReceipts, createBridgeReceipts } from "./receipts.ts";
import { type BridgeRuns, createBridgeRuns } from "./runs.ts";
import { type BridgeSpaces, createBridgeSpaces } from "./spaces.ts";
import { type BridgeWaiting, createBridgeWaiting } from "./waiting.ts";

export type BridgeStore = BridgeRooms &
  BridgeAccounts &
  BridgeChanges &
  BridgeRuns &
  BridgeQueues &
  BridgeDeadLetters &
  BridgeArriving &
  BridgeEvents &
  BridgeMedia &
  BridgeMembers &
  BridgeGhosts &
  BridgeReceipts &
  BridgeDoubts &
  BridgeWaiting &
  BridgeLive &
  BridgeInvitations &
  BridgeSpaces;

/** A room as the worker that claimed it finds it. */
export interface ClaimedRoom {
  id: number;
  token: string;
  /** The chatroom; null when it was deleted. */
  chatroom: Room | null;
  matrixRoomId: string | null;
  roomVersion: string | null;
  /** Somebody in Matrix made the Matrix room: its state, and who is in it, are theirs. */
  foreign: boolean;
  /** The Matrix room of an invitation that became this chatroom is still to be entered. */
  invited: boolean;
  /** The seq of the last event of the log that was mirrored. */
  mirrored: number;
  /** The head of the room's log at the claim. */
  head: number;
  /** Whether the room was read-only as of the event `mirrored`. */
  readOnly: boolean;
  /** Who wrote in the room as of the event `mirrored`. */
  posting: Posting;
  /** Grows each time the log is mirrored again from an earlier seq. */
  run: number;
  /** How many doubts there are whether the Matrix room is there and as it should be. */
  doubts: number;
  /** How many requests to bring memberships in line are open. `release` and `defer` say how many were done. */
  memberSyncsRequested: number;
  /** Whether dead letters of the room are tried again. */
  retries: boolean;
  /** Turns in a row that failed. */
  failures: number;
  /** The rest of the pause after a failure, ms by the database's clock: nothing is sent before. 0: no pause. */
  waitMs: number;
}

/** The progress of a room turn. */
interface TurnState {
  mirrored: number;
  readOnly: boolean;
  posting: Posting;
  /** How many of `memberSyncsRequested` were done. */
  memberSyncsDone: number;
}

interface BridgeRooms {
  /** Says that this worker lives for another `ttlMs`. */
  heartbeat(node: string, ttlMs: number): Promise<void>;
  /** Removes a worker that ends, and frees its rooms. */
  retire(node: string): Promise<void>;
  /** Takes a room for this worker. @returns `"taken"` while another live worker has it; null when there is no such room */
  claim(id: number, node: string): Promise<ClaimedRoom | "taken" | null>;
  /**
   * Frees the room after a turn that did not fail.
   * @param state `completed`: all work was done, so the count of failures and the pause are reset; a turn that could not
   *   send leaves them
   */
  release(id: number, node: string, state: TurnState & { completed: boolean }): Promise<void>;
  /** Frees the room after a turn that failed, for `reason`. Nothing is sent for it in the next `retryInMs`. */
  defer(id: number, node: string, state: TurnState & { retryInMs: number; reason: string }): Promise<void>;
  /** Call this when the homeserver is back: ends the pause of rooms that failed because of the outage. */
  retryNow(): Promise<void>;
  /** Stores the id and version of the room's Matrix room; the id in the chatroom too. */
  putMatrixRoom(id: number, made: { matrixRoomId: string; roomVersion: string }): Promise<void>;
  /** Deletes all that the bridge stored about a room. */
  forgetRoom(id: number): Promise<void>;
  /** A small value of the bridge as a whole, such as a cursor. */
  state(key: string): Promise<string | null>;
  putState(key: string, value: string): Promise<void>;
}

export function createBridgeStore(sql: StoreSql): BridgeStore {
  return {
    ...createBridgeRooms(sql),
    ...createBridgeAccounts(sql),
    ...createBridgeChanges(sql),
    ...createBridgeRuns(sql),
    ...createBridgeQueues(sql),
    ...createBridgeDeadLetters(sql),
    ...createBridgeArriving(sql),
    ...createBridgeEvents(sql),
    ...createBridgeMedia(sql),
    ...createBridgeMembers(sql),
    ...createBridgeGhosts(sql),
    ...createBridgeReceipts(sql),
    ...createBridgeWaiting(sql),
    ...createBridgeLive(sql),
    ...createBridgeDoubts(sql),
    ...createBridgeInvitations(sql),
    ...createBridgeSpaces(sql),
  };
}

interface ClaimRow {
  conversation_id: number;
  token: string;
  matrix_room_id: string | null;
  room_version: string | null;
  foreign_room: boolean;
  invited: boolean;
  mirrored_seq: number;
  head_seq: number | null;
  read_only: boolean;
  posting: Posting;
  unsettled: number;
  doubts: number;
  run: number;
  retries: boolean;
  failures: number;
  wait_ms: number;
}

/** A room that failed more often than this does not fail because of an outage: it keeps its pause. */
const OUTAGE_FAILURES = 5;

function createBridgeRooms(sql: StoreSql): BridgeRooms {
  return {
    async heartbeat(node, ttlMs) {
      await sql`
        insert into bridge_workers (node, expires_at) values (${node}, causeway_now() + ${ttlMs}::bigint)
        on conflict (node) do update set expires_at = excluded.expires_at`;
    },
    async retire(node) {
      await sql`
        with gone as (delete from bridge_workers where node = ${node}),
             files as (update bridge_arriving set owner = null where owner = ${node})
        update bridge_rooms set owner = null where owner = ${node}`;
    },
    claim: (id, node) => claim(sql, id, node),
    async release(id, node, { mirrored, readOnly, posting, memberSyncsDone, completed }) {
      await sql`
        update bridge_rooms set owner = null, mirrored_seq = greatest(mirrored_seq, ${mirrored}::bigint),
               read_only = ${readOnly}, posting = ${posting}, unsettled = greatest(unsettled - ${memberSyncsDone}::integer, 0),
               failures = case when ${completed} then 0 else failures end,
               retry_at = case when ${completed} then 0 else retry_at end,
               reason = case when ${completed} then null else reason end
        where conversation_id = ${id} and owner = ${node}`;
    },
    async defer(id, node, { mirrored, readOnly, posting, memberSyncsDone, retryInMs, reason }) {
      await sql`
        update bridge_rooms set owner = null, mirrored_seq = greatest(mirrored_seq, ${mirrored}::bigint),
               read_only = ${readOnly}, posting = ${posting}, unsettled = greatest(unsettled - ${memberSyncsDone}::integer, 0), failures = failures + 1,
               retry_at = causeway_now() + ${retryInMs}::bigint, reason = ${reason}
        where conversation_id = ${id} and owner = ${node}`;
    },
    async retryNow() {
      await sql`
        update bridge_rooms set retry_at = 0
        where retry_at > 0 and retry_at > causeway_now() and failures <= ${OUTAGE_FAILURES}`;
    },
    async putMatrixRoom(id, { matrixRoomId, roomVersion }) {
      await sql`
        with named as (update conversations set matrix_room_id = ${matrixRoomId} where id = ${id})
        update bridge_rooms set matrix_room_id = ${matrixRoomId}, room_version = ${roomVersion}
        where conversation_id = ${id}`;
    },
    async forgetRoom(id) {
      await sql`
        with outbox as (delete from bridge_outbox where conversation_id = ${id}),
             inbox as (delete from bridge_inbox where conversation_id = ${id}),
             events as (delete from bridge_events where conversation_id = ${id}),
             arriving as (delete from bridge_arriving where conversation_id = ${id}),
             letters as (delete from bridge_dead_letters where conversation_id = ${id}),
             members as (delete from bridge_members where conversation_id = ${id}),
             former as (delete from bridge_former_events where conversation_id = ${id})
        delete from bridge_rooms where conversation_id = ${id}`;
    },
    async state(key) {
      const [row] = await sql<{ value: string }[]>`select value from bridge_state where key = ${key}`;
      return row?.value ?? null;
    },
    async putState(key, value) {
      await sql`
        insert into bridge_state (key, value) values (${key}, ${value})
        on conflict (key) do update set value = excluded.value`;
    },
  };
}

async function claim(sql: StoreSql, id: number, node: string): Promise<ClaimedRoom | "taken" | null> {
  const taken = await take(sql, id, node);
  if (taken) return taken;
  const made = await sql`
    insert into bridge_rooms (conversation_id, token, seen_head)
    select conversation_id, token, head_seq from room_heads where conversation_id = ${id}
    on conflict do nothing returning 1`;
  if (made.length > 0) return (await take(sql, id, node)) ?? "taken";
  const known = await sql`select from bridge_rooms where conversation_id = ${id}`;
  return known.length > 0 ? "taken" : null;
}

async function take(sql: StoreSql, id: number, node: string): Promise<ClaimedRoom | null> {
  const [row] = await sql<(Row & ClaimRow)[]>`
    with taken as (
      update bridge_rooms b set owner = ${node}
      where b.conversation_id = ${id} and (b.owner is null or b.owner = ${node} or not exists (
        select from bridge_workers w where w.node = b.owner and w.expires_at > causeway_now()))
      returning b.*
    )
    select t.conversation_id, t.token, t.matrix_room_id, t.room_version, t.foreign_room, t.mirrored_seq, h.head_seq, t.read_only, t.posting,
           t.unsettled, t.doubts, t.run, t.failures,
           exists (select from bridge_invitations i where i.pair = c.pair
             and i.done_at is null and i.refusal is null) as invited,
           exists (select from bridge_outbox o where o.conversation_id = t.conversation_id and o.late)
             or exists (select from bridge_dead_letters d where d.conversation_id = t.conversation_id and d.retried) as retries,
           greatest(t.retry_at - causeway_now(), 0) as wait_ms, ${columns(sql, "c", CONVERSATION)}
    from taken t
    left join conversations c on c.id = t.conversation_id
    left join room_heads h on h.conversation_id = t.conversation_id`;
  if (!row) return null;
  return {
    id: row.conversation_id,
    token: row.token,
    chatroom: row["c.id"] === null ? null : noun(row, "c", CONVERSATION),
    matrixRoomId: row.matrix_room_id,
    roomVersion: row.room_version,
    foreign: row.foreign_room,
    invited: row.invited,
    mirrored: row.mirrored_seq,
    head: row.head_seq ?? 0,
    readOnly: row.read_only,
    posting: row.posting,
    memberSyncsRequested: row.unsettled,
    doubts: row.doubts,
    run: row.run,
    retries: row.retries,
    failures: row.failures,
    waitMs: row.wait_ms,
  };
}
