/** Writes of users inside a transaction. A change that live sessions must notice raises the user's version. */
import { newPublicId } from "../../domain/ids.ts";
import { type Picture, type User, userKey } from "../../domain/model.ts";
import type { NewUser, UserPatch, UserWrites } from "../../domain/ports/store/accounts/users.ts";
import { columns, foldedKey, noun, type Row, USER } from "../sql/rows.ts";
import type { TransactionScope } from "../sql/scope.ts";
import { deleteUserAvatar, keepUserAvatar, newAvatarId } from "./avatars.ts";
import { linkIdentity, unlinkIdentity } from "./identities.ts";

export function createUserWrites(scope: TransactionScope): UserWrites {
  const { sql } = scope;
  return {
    create: (input) => createUser(scope, input),
    update: (id, patch) => updateUser(scope, id, patch),
    delete: (id) => deleteUser(scope, id),
    endLogins: (id, except = null) => endLogins(scope, id, except),
    link: (input) => linkIdentity(sql, input),
    unlink: (input) => unlinkIdentity(scope, input),
    async pictureSource(userId) {
      const [row] = await sql<{ source: string }[]>`select source from avatars where user_id = ${userId}`;
      return row?.source ?? null;
    },
    setPicture: (id, picture) => setPicture(scope, id, picture),
    async lock(ids) {
      const rows = await sql<Row[]>`
        select ${columns(sql, "u", USER)} from users u
        where u.id = any (${ids}::bigint[]) and u.deleted_at is null order by u.id for share`;
      return rows.map((row) => noun(row, "u", USER));
    },
  };
}

async function createUser({ sql }: TransactionScope, input: NewUser): Promise<User> {
  const values = { ...userColumns(input), public_id: newPublicId() };
  const [row] = await sql<Row[]>`
    insert into users ${sql(values)} returning ${columns(sql, "users", USER)}`;
  const user = noun(row as Row, "users", USER);
  await sql`insert into user_heads (user_id) values (${user.id})`;
  return user;
}

async function updateUser(scope: TransactionScope, id: number, patch: UserPatch): Promise<User | null> {
  const { sql } = scope;
  const values = userColumns(patch);
  const [row] =
    Object.keys(values).length === 0
      ? await sql<
          Row[]
        >`select ${columns(sql, "u", USER)} from users u where u.id = ${id} and u.deleted_at is null`
      : await sql<Row[]>`
          update users u set ${sql(values)} where u.id = ${id} and u.deleted_at is null
          returning ${columns(sql, "u", USER)}`;
  if (!row) return null;
  const { displayName, receiptsFor } = patch;
  const shown = {
    ...(displayName !== undefined && { name: displayName }),
    ...(receiptsFor !== undefined && { receipts_for: receiptsFor }),
  };
  if (Object.keys(shown).length > 0) await updateMember(scope, id, shown);
  scope.touchUsers([id]);
  return noun(row, "u", USER);
}

async function setPicture(
  scope: TransactionScope,
  userId: number,
  picture: (Picture & { source: string }) | null,
): Promise<User | null> {
  const { sql } = scope;
  const id = picture && newAvatarId();
  const [row] = await sql<Row[]>`
    update users u set avatar_id = ${id} where u.id = ${userId} and u.deleted_at is null
    returning ${columns(sql, "u", USER)}`;
  if (!row) return null;
  await deleteUserAvatar(sql, userId);
  if (picture && id) await keepUserAvatar(sql, userId, { ...picture, id });
  scope.touchUsers([userId]);
  return noun(row, "u", USER);
}

/** Changes the name that rooms show, and whom the member tells how far they have read. Rows are locked in the order of their key, as everywhere. */
async function updateMember({ sql }: TransactionScope, userId: number, columns: Row): Promise<void> {
  await sql`
    with locked as materialized (
      select conversation_id, member from memberships where member = ${userKey(userId)}
      order by conversation_id for no key update
    )
    update memberships m set ${sql(columns)} from locked l
    where m.conversation_id = l.conversation_id and m.member = l.member`;
}

function userColumns(patch: UserPatch): Row {
  const { handle, displayName, email, passwordHash, administrator, status, receiptsFor, lastSeenFor } = patch;
  return {
    ...(handle !== undefined && { handle, handle_key: foldedKey(handle) }),
    ...(displayName !== undefined && { display_name: displayName }),
    ...(email !== undefined && { email, email_key: email === null ? null : foldedKey(email) }),
    ...(passwordHash !== undefined && { password_hash: passwordHash }),
    ...(administrator !== undefined && { administrator }),
    ...(status !== undefined && { status }),
    ...(receiptsFor !== undefined && { receipts_for: receiptsFor }),
    ...(lastSeenFor !== undefined && { last_seen_for: lastSeenFor }),
  };
}

/** Keeps the row for its ids and its handle. Removes all credentials and all personal data. */
async function deleteUser({ sql }: TransactionScope, id: number): Promise<boolean> {
  const { count } = await sql`
    update users set deleted_at = causeway_now(), password_hash = null, email = null, email_key = null,
      avatar_id = null, status = ''
    where id = ${id} and deleted_at is null`;
  if (count === 0) return false;
  await deleteUserAvatar(sql, id);
  await sql`delete from tokens where user_id = ${id}`;
  await sql`delete from logins where user_id = ${id}`;
  await sql`delete from identities where user_id = ${id}`;
  await sql`delete from login_places where user_id = ${id}`;
  await sql`delete from organization_users where user_id = ${id}`;
  await sql`delete from organization_event_users where user_id = ${id}`;
  await sql`delete from group_members where user_id = ${id}`;
  await sql`delete from connections where user_id = ${id} or peer_id = ${id}`;
  await sql`delete from matrix_blocks where user_id = ${id}`;
  await sql`delete from contacts where owner_id = ${id} or user_id = ${id}`;
  await sql`
    with numbers as (delete from hidden_counts where member = ${userKey(id)})
    delete from hidden_messages where member = ${userKey(id)}`;
  await sql`delete from user_heads where user_id = ${id}`;
  return true;
}

async function endLogins(scope: TransactionScope, id: number, except: number | null): Promise<boolean> {
  const { sql } = scope;
  const { count } = await sql`
    update users set logins_ended_at = causeway_now() where id = ${id} and deleted_at is null`;
  if (count === 0) return false;
  // This comes before the logins: deleting them would demand the same of the bridge, login by login.
  await sql`
    with gone as (delete from bridge_grants where user_id = ${id} returning 1)
    select causeway_demand(${id}, 'end_sessions', '')
    where exists (select from gone) or exists (select from bridge_ghosts where member = ${userKey(id)} and active)`;
  await sql`delete from logins where user_id = ${id} and id is distinct from ${except}::bigint`;
  await sql`delete from login_places where user_id = ${id}`;
  scope.touchUsers([id]);
  return true;
}
