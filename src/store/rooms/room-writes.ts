/** Writes of rooms and memberships inside a transaction. */
import { randomInt } from "node:crypto";
import { newPublicId } from "../../domain/ids.ts";
import type { MemberKey, Membership, Role, Room } from "../../domain/model.ts";
import type {
  MemberWrites,
  NewMember,
  NewRoom,
  RoomPatch,
  RoomWrites,
} from "../../domain/ports/store/transaction.ts";
import { deleteAvatar, keepAvatar, newAvatarId } from "../accounts/avatars.ts";
import { forgetMessages } from "../messages/message-writes.ts";
import { CONVERSATION, columns, foldedKey, MEMBERSHIP, noun, type Row } from "../sql/rows.ts";
import type { TransactionScope } from "../sql/scope.ts";
import { keepSnapshot } from "../webhooks/message-logs.ts";
import { rememberGuests } from "./visits.ts";

export function createRoomWrites(scope: TransactionScope): RoomWrites & MemberWrites {
  return {
    lockRooms: (ids) => lockRooms(scope, ids),
    createRoom: (input) => createRoom(scope, input),
    updateRoom: (id, patch) => updateRoom(scope, id, patch),
    deleteRoom: (id) => deleteRoom(scope, id),
    members: (id, keys, limit) => members(scope, id, keys, limit),
    countMembers: (id) => countMembers(scope, id),
    putMembers: (id, list) => putMembers(scope, id, list),
    removeMembers: (id, keys) => removeMembers(scope, id, keys),
  };
}

async function lockRooms(scope: TransactionScope, ids: number[]): Promise<Room[]> {
  const { sql } = scope;
  const held = await sql<{ id: number }[]>`
    select conversation_id as id from room_heads where conversation_id = any (${ids}::bigint[])
    order by conversation_id for no key update`;
  scope.locked(held.map(({ id }) => id));
  // A separate statement, so that its snapshot is taken under the locks.
  const rows = await sql<Row[]>`
    select ${columns(sql, "c", CONVERSATION)} from conversations c
    where c.id = any (${held.map(({ id }) => id)}::bigint[]) order by c.id`;
  return rows.map((row) => noun(row, "c", CONVERSATION));
}

const TOKEN_LETTERS = "abcdefghijkmnopqrstuvwxyz23456789";

function randomText(letters: string, length: number): string {
  return Array.from({ length }, () => letters[randomInt(letters.length)]).join("");
}

async function createRoom(scope: TransactionScope, input: NewRoom): Promise<Room> {
  const { sql } = scope;
  const avatar = input.avatar ? { id: newAvatarId(), ...input.avatar } : null;
  const values = {
    organization_id: input.organizationId,
    type: input.type,
    kind: input.kind,
    name: input.name,
    name_key: foldedKey(input.name),
    description: input.description ?? null,
    avatar_id: avatar?.id ?? null,
    avatar_url: input.avatarUrl ?? null,
    pair: input.pair ?? null,
    blocked: await isBlocked(scope, input.pair ?? null),
    message_timer: input.messageTimer ?? null,
    receipt_mode: input.receiptMode ?? null,
    access: input.access ?? ["invite"],
    access_role: input.accessRole ?? "activated",
    event_id: input.eventId ?? null,
    automation_enabled: input.automationEnabled ?? false,
    history: input.history,
    created_by: input.createdBy,
    scheduled_deletion: input.scheduledDeletion ?? null,
    public_id: input.publicId ?? newPublicId(),
  };
  let row: Row | undefined;
  // Tokens are short, so one may be in use. It is skipped here, because an error would undo the transaction.
  while (!row) {
    [row] = await sql<Row[]>`
      insert into conversations ${sql({ ...values, token: randomText(TOKEN_LETTERS, 8) })}
      on conflict (token) do nothing returning ${columns(sql, "conversations", CONVERSATION)}`;
  }
  const room = noun(row, "conversations", CONVERSATION);
  await sql`
    insert into room_heads (conversation_id, token, last_activity, message_timer)
    values (${room.id}, ${room.token}, ${room.createdAt}, ${room.messageTimer})`;
  if (avatar) await keepAvatar(sql, room.id, avatar);
  scope.locked([room.id]);
  return room;
}

/** The caller holds the lock of the pair (`oneToOne`), so a later block finds the room. */
async function isBlocked({ sql }: TransactionScope, pair: string | null): Promise<boolean> {
  const [a, b] = (pair ?? "").split(" ").map((member) => Number(/^u:(\d+)$/.exec(member)?.[1] ?? 0));
  if (!a || !b) return false;
  const rows = await sql`
    select from connections
    where status = 'blocked' and (user_id, peer_id) in ((${a}::bigint, ${b}::bigint), (${b}::bigint, ${a}::bigint))`;
  return rows.length > 0;
}

async function updateRoom(scope: TransactionScope, id: number, patch: RoomPatch): Promise<Room> {
  scope.requireLock(id);
  const { sql } = scope;
  const { avatar: picture, ...fields } = patch;
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  const values: Row = Object.fromEntries(
    given.map(([field, value]) => [CONVERSATION[field as keyof typeof fields], value]),
  );
  if (patch.name !== undefined) values.name_key = foldedKey(patch.name);
  const avatar = picture && { id: newAvatarId(), ...picture };
  if (avatar) values.avatar_id = avatar.id;
  const [row] =
    Object.keys(values).length === 0
      ? await sql<Row[]>`select ${columns(sql, "c", CONVERSATION)} from conversations c where c.id = ${id}`
      : await sql<Row[]>`
          update conversations c set ${sql(values)} where c.id = ${id} returning ${columns(sql, "c", CONVERSATION)}`;
  if (!row) throw new Error(`Room ${id} was deleted by this transaction`);
  if (patch.avatarId === null || avatar) await deleteAvatar(sql, id);
  if (avatar) await keepAvatar(sql, id, avatar);
  if (patch.messageTimer !== undefined) {
    await sql`update room_heads set message_timer = ${patch.messageTimer} where conversation_id = ${id}`;
  }
  // The bridge sets the power levels in Matrix when it next works on the room.
  if (patch.blocked !== undefined) {
    await sql`update bridge_rooms set unsettled = unsettled + 1 where conversation_id = ${id}`;
  }
  await raiseAccessVersion(scope, id);
  return noun(row, "c", CONVERSATION);
}

async function deleteRoom(scope: TransactionScope, id: number): Promise<void> {
  scope.requireLock(id);
  const { sql } = scope;
  await keepSnapshot(scope, id);
  // The room's last activity before the event `room.deleted`, so that lists can go on from its place.
  await sql`
    insert into former_rooms (member, public_id, conversation_id, last_activity)
    select m.member, c.public_id, c.id, coalesce(before.at, h.last_activity)
    from conversations c
    join room_heads h on h.conversation_id = c.id
    join memberships m on m.conversation_id = c.id and m.user_id is not null
    left join lateral (
      select e.at from events e
      where e.conversation_id = c.id and e.at < h.last_activity order by e.seq desc limit 1
    ) before on true
    where c.id = ${id}
    on conflict (member, public_id) do update
    set conversation_id = excluded.conversation_id, last_activity = excluded.last_activity, deleted_at = excluded.deleted_at`;
  const gone = await sql<{ user_id: number | null }[]>`
    delete from memberships where conversation_id = ${id} returning user_id`;
  scope.touchUsers(gone.map(({ user_id }) => user_id));
  await sql`delete from mentions where conversation_id = ${id}`;
  await forgetMessages(scope, id);
  await sql`insert into deleted_rooms (conversation_id, token) select id, token from conversations where id = ${id}`;
  await sql`delete from former_guests where conversation_id = ${id}`;
  await sql`delete from room_heads where conversation_id = ${id}`;
  await sql`delete from conversations where id = ${id}`;
}

async function members(
  scope: TransactionScope,
  id: number,
  keys?: MemberKey[],
  limit?: number,
): Promise<Membership[]> {
  const { sql } = scope;
  const narrowed = keys === undefined ? sql`` : sql`and m.member = any (${keys}::text[])`;
  const rows = await sql<Row[]>`
    select ${columns(sql, "m", MEMBERSHIP)} from memberships m
    where m.conversation_id = ${id} ${narrowed} order by m.joined_seq, m.member limit ${limit ?? null}`;
  return rows.map((row) => noun(row, "m", MEMBERSHIP));
}

async function countMembers(
  { sql }: TransactionScope,
  id: number,
): Promise<{ members: number; guests: number }> {
  const [row] = await sql<[{ members: number; guests: number }]>`
    select count(*) as members, count(*) filter (where role in ('guest', 'guest_moderator')) as guests
    from memberships where conversation_id = ${id}`;
  return row;
}

/** See `MemberWrites.putMembers` for where a new member's history and read marker start. */
async function putMembers(scope: TransactionScope, id: number, list: NewMember[]): Promise<void> {
  if (list.length === 0) return;
  scope.requireLock(id);
  const { sql } = scope;
  await sql`
    insert into memberships
      (conversation_id, member, user_id, name, role, guest_seed, receipts_for, joined_seq, history_from, read_seq,
       read_messages, hidden_no)
    select h.conversation_id, k.member, k.user_id, k.name, k.role, k.guest_seed,
           coalesce((select u.receipts_for from users u where u.id = k.user_id), 'everybody'), h.head_seq + k.ord,
           case c.history when 'joined' then h.head_seq + k.ord - 1 else 0 end, h.head_seq + k.ord, h.message_count,
           coalesce((
             select max(x.no) from hidden_messages x
             where x.conversation_id = h.conversation_id and x.member = k.member collate "C"), 0)
    from unnest(${list.map(({ member }) => member)}::text[], ${list.map(({ userId }) => userId)}::bigint[],
                ${list.map(({ name }) => name)}::text[], ${list.map(({ role }) => role)}::text[],
                ${list.map(({ guestSeed }) => guestSeed ?? null)}::text[])
      with ordinality as k (member, user_id, name, role, guest_seed, ord)
    join room_heads h on h.conversation_id = ${id}
    join conversations c on c.id = h.conversation_id
    on conflict (conversation_id, member) do update set role = excluded.role, name = excluded.name`;
  scope.touchUsers(list.map(({ userId }) => userId));
  await raiseAccessVersion(scope, id);
}

async function removeMembers(scope: TransactionScope, id: number, keys: MemberKey[]): Promise<void> {
  if (keys.length === 0) return;
  scope.requireLock(id);
  const { sql } = scope;
  const gone = await sql<{ user_id: number | null; member: MemberKey; name: string; role: Role }[]>`
    delete from memberships where conversation_id = ${id} and member = any (${keys}::text[])
    returning user_id, member, name, role`;
  await sql`
    with reads as (delete from thread_reads where conversation_id = ${id} and member = any (${keys}::text[]))
    delete from mentions where conversation_id = ${id} and member = any (${keys}::text[])`;
  const guests = gone.filter(({ role }) => role === "guest" || role === "guest_moderator");
  await rememberGuests(sql, id, guests);
  scope.touchUsers(gone.map(({ user_id }) => user_id));
  await raiseAccessVersion(scope, id);
}

async function raiseAccessVersion({ sql }: TransactionScope, id: number): Promise<void> {
  await sql`update room_heads set access_version = access_version + 1 where conversation_id = ${id}`;
}
