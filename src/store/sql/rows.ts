/**
 * The table columns of the domain's nouns, one column per field. A query selects a whole noun under a prefix ("c.name"),
 * and reads it back from a row that holds several nouns.
 */
import type {
  ApiToken,
  LoggedEvent,
  Membership,
  Organization,
  Room,
  RoomHead,
  User,
  Webhook,
} from "../../domain/model.ts";
import { actorOf } from "../../domain/model.ts";
import type { Fragment, Sql } from "./sql.ts";

type Columns<T> = Readonly<Record<keyof T & string, string>>;

export const CONVERSATION: Columns<Room> = {
  id: "id",
  uuid: "uuid",
  token: "token",
  publicId: "public_id",
  organizationId: "organization_id",
  type: "type",
  kind: "kind",
  name: "name",
  description: "description",
  avatarId: "avatar_id",
  avatarUrl: "avatar_url",
  eventId: "event_id",
  automationEnabled: "automation_enabled",
  history: "history",
  readOnly: "read_only",
  posting: "posting",
  lobby: "lobby",
  lobbyUntil: "lobby_until",
  passwordHash: "password_hash",
  pair: "pair",
  blocked: "blocked",
  request: "request",
  messageTimer: "message_timer",
  receiptMode: "receipt_mode",
  access: "access",
  accessRole: "access_role",
  guestCode: "guest_code",
  guestPasswordHash: "guest_password_hash",
  createdBy: "created_by",
  createdAt: "created_at",
  scheduledDeletion: "scheduled_deletion",
  matrixRoomId: "matrix_room_id",
};

export const MEMBERSHIP: Columns<Membership> = {
  roomId: "conversation_id",
  member: "member",
  userId: "user_id",
  name: "name",
  role: "role",
  joinedSeq: "joined_seq",
  historyFrom: "history_from",
  readSeq: "read_seq",
  readMessages: "read_messages",
  favourite: "favourite",
  notificationLevel: "notification_level",
  muted: "muted",
  mutedStatus: "muted_status",
  mutedRef: "muted_ref",
  mutedUntil: "muted_until",
  pinned: "pinned",
  archivedAt: "archived_at",
  archivedRef: "archived_ref",
  unreadMark: "unread_mark",
  hidden: "hidden",
  hiddenRef: "hidden_ref",
  hiddenNo: "hidden_no",
  lastOpenedAt: "last_opened_at",
  settingsAt: "settings_at",
  guestSeed: "guest_seed",
};

export const HEAD: Columns<RoomHead> = {
  roomId: "conversation_id",
  head: "head_seq",
  messages: "message_count",
  lastActivity: "last_activity",
  accessVersion: "access_version",
  callSeq: "call_seq",
};

export const USER: Columns<User> = {
  id: "id",
  uuid: "uuid",
  publicId: "public_id",
  handle: "handle",
  displayName: "display_name",
  email: "email",
  administrator: "administrator",
  createdAt: "created_at",
  avatarId: "avatar_id",
  status: "status",
  receiptsFor: "receipts_for",
  lastSeenFor: "last_seen_for",
};

export const ORGANIZATION: Columns<Organization> = {
  id: "id",
  uuid: "uuid",
  name: "name",
  createdAt: "created_at",
  deletedMessages: "deleted_messages",
};

export const TOKEN: Columns<ApiToken> = {
  id: "id",
  userId: "user_id",
  organizationId: "organization_id",
  name: "name",
  createdAt: "created_at",
  expiresAt: "expires_at",
};

export const WEBHOOK: Columns<Webhook> = {
  id: "id",
  organizationId: "organization_id",
  url: "url",
  events: "events",
  createdAt: "created_at",
};

/** A row as it comes from the driver. */
export type Row = Record<string, unknown>;

/** The select list of a noun: `c.id as "c.id", c.public_id as "c.publicId", …` for the table's alias `c`. */
export function columns(sql: Sql, alias: string, noun: Readonly<Record<string, string>>): Fragment {
  const list = Object.entries(noun).map(([field, column]) => `${alias}.${column} as "${alias}.${field}"`);
  return sql.unsafe(list.join(", "));
}

/** The noun that {@link columns} selected under `alias`. */
export function noun<T>(row: Row, alias: string, fields: Columns<T>): T {
  const result: Row = {};
  for (const field in fields) result[field] = row[`${alias}.${field}`];
  return result as T;
}

// ── Events ──────────────────────────────────────────────────────────────────────────────────────────

/** An event's columns, as every query on the log selects them. `room` is the token. */
export interface EventRow {
  conversation_id: number;
  room: string;
  seq: number;
  type: string;
  client_id: string | null;
  actor: string;
  actor_name: string;
  at: number;
  data: string;
}

export function loggedEvent(row: EventRow): LoggedEvent {
  return {
    roomId: row.conversation_id,
    room: row.room,
    seq: row.seq,
    type: row.type as LoggedEvent["type"],
    id: row.client_id,
    actor: actorOf(row.actor, row.actor_name),
    at: row.at,
    dataJson: row.data,
  };
}

/** A text in a form that compares without regard to case. */
export function foldedKey(text: string): string {
  return text.normalize("NFC").toLowerCase();
}
