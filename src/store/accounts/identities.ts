/** Statements for people as identity providers know them, and for the codes that apps exchange. */
import type { User } from "../../domain/model.ts";
import type {
  Identity,
  IdentityStore,
  LinkCode,
  LoginCode,
  OwnIdentity,
} from "../../domain/ports/store/accounts/identities.ts";
import type { UserWrites } from "../../domain/ports/store/accounts/users.ts";
import type { Database } from "../sql/database.ts";
import { columns, foldedKey, noun, type Row, USER } from "../sql/rows.ts";
import type { TransactionScope } from "../sql/scope.ts";
import type { Sql } from "../sql/sql.ts";
import { databaseNow } from "./credentials.ts";

interface IdentityRow extends Row {
  identity: number;
  name: string | null;
  picture: string | null;
}
interface CodeRow extends Row {
  identity_id: number;
  provider_session: string | null;
  challenge: string;
  persistent: boolean;
}

export function createIdentityStore(db: Database): IdentityStore {
  const { sql } = db;
  return {
    async find(issuer, subject) {
      const [row] = await db.read(sql<IdentityRow[]>`
        select i.id as identity, i.name, i.picture, ${columns(sql, "u", USER)} from identities i
        join users u on u.id = i.user_id and u.deleted_at is null
        where i.issuer = ${issuer} and i.subject = ${subject}`);
      return row ? identityOf(row) : null;
    },
    async noteName(id, name) {
      await sql`update identities set name = ${name} where id = ${id}`;
    },
    async notePicture(id, url) {
      await sql`update identities set picture = ${url} where id = ${id}`;
    },
    async userByEmail(email, issuer) {
      const [row] = await db.read(sql<(Row & { linked: boolean })[]>`
        select ${columns(sql, "u", USER)},
               exists (select from identities i where i.user_id = u.id and i.issuer = ${issuer}) as linked
        from users u where u.email_key = ${foldedKey(email)} and u.deleted_at is null`);
      return row ? { user: noun<User>(row, "u", USER), linked: row.linked } : null;
    },
    async ofUser(userId) {
      return await db.read(sql<OwnIdentity[]>`
        select id, issuer, subject, name, created_at as "linkedAt" from identities
        where user_id = ${userId} order by id`);
    },
    async putLinkCode({ hash, issuer, subject, name, picture, challenge, expiresAt }) {
      await sql`
        insert into link_codes (hash, issuer, subject, name, picture, challenge, expires_at)
        values (${hash}, ${issuer}, ${subject}, ${name}, ${picture}, ${challenge}, ${expiresAt})`;
    },
    takeLinkCode: (hash, userId) => takeLinkCode(sql, hash, userId),
    async putCode({ hash, identityId, providerSession, challenge, persistent, expiresAt }) {
      await sql`
        insert into login_codes (hash, identity_id, provider_session, challenge, persistent, expires_at)
        values (${hash}, ${identityId}, ${providerSession}, ${challenge}, ${persistent}, ${expiresAt})`;
    },
    takeCode: (hash) => takeCode(sql, hash),
    endLogins: (origin, before) => endLogins(sql, origin, before),
  };
}

async function takeCode(sql: Sql, hash: Uint8Array): Promise<(LoginCode & { user: User }) | null> {
  const [row] = await sql<CodeRow[]>`
    with taken as (delete from login_codes where hash = ${hash} returning *)
    select c.identity_id, c.provider_session, c.challenge, c.persistent, ${columns(sql, "u", USER)} from taken c
    join identities i on i.id = c.identity_id
    join users u on u.id = i.user_id and u.deleted_at is null
    where c.expires_at > ${databaseNow(sql)} and c.created_at > coalesce(u.logins_ended_at, 0)`;
  if (!row) return null;
  const { identity_id: identityId, provider_session: providerSession, challenge, persistent } = row;
  return { identityId, providerSession, challenge, persistent, user: noun(row, "u", USER) };
}

async function takeLinkCode(
  sql: Sql,
  hash: Uint8Array,
  userId: number,
): ReturnType<IdentityStore["takeLinkCode"]> {
  const [row] = await sql<(LinkCode & { repeated: boolean })[]>`
    with found as (
      select hash, taken_by from link_codes where hash = ${hash} and expires_at > ${databaseNow(sql)} for update
    )
    update link_codes c set taken_by = ${userId} from found f
    where c.hash = f.hash and coalesce(f.taken_by, ${userId}) = ${userId}
    returning c.issuer, c.subject, c.name, c.picture, c.challenge, f.taken_by is not null as repeated`;
  return row ?? null;
}

async function endLogins(
  sql: Sql,
  { issuer, subject, session }: Parameters<IdentityStore["endLogins"]>[0],
  before: number,
): ReturnType<IdentityStore["endLogins"]> {
  return await sql<{ userId: number; loginId: number }[]>`
    with theirs as (
      select id from identities where issuer = ${issuer} and (${subject}::text is null or subject = ${subject})
    ),
    codes as (
      delete from login_codes c using theirs t where c.identity_id = t.id and c.created_at <= ${before}
      and (${session}::text is null or c.provider_session = ${session})
    ),
    gone as (
      delete from logins l using theirs t where l.identity_id = t.id and l.started_at <= ${before}
      and (${session}::text is null or l.provider_session = ${session})
      returning l.id, l.user_id
    ),
    touched as (
      update user_heads h set version = h.version + 1 from (select distinct user_id from gone) g
      where h.user_id = g.user_id
    )
    select user_id as "userId", id as "loginId" from gone`;
}

/** Links a user to an issuer's subject. Null when either is linked already. */
export async function linkIdentity(
  sql: Sql,
  { userId, issuer, subject, name, picture = null }: Parameters<UserWrites["link"]>[0],
): Promise<number | null> {
  const [row] = await sql<{ id: number }[]>`
    insert into identities (user_id, issuer, subject, name, picture)
    values (${userId}, ${issuer}, ${subject}, ${name}, ${picture})
    on conflict do nothing returning id`;
  return row?.id ?? null;
}

/** What `UserWrites.unlink` says. */
export async function unlinkIdentity(
  scope: TransactionScope,
  { userId, id, kept, evenLast }: Parameters<UserWrites["unlink"]>[0],
): ReturnType<UserWrites["unlink"]> {
  const { sql } = scope;
  // The lock keeps another link, or the password, from going at the same moment. What a statement reads beside the row that
  // it waited for is as it was before the wait, so the links are read by another one.
  const [user] = await sql<{ hasPassword: boolean }[]>`
    select password_hash is not null as "hasPassword" from users
    where id = ${userId} and deleted_at is null for no key update`;
  const links = await sql<{ id: number }[]>`select id from identities where user_id = ${userId}`;
  if (!user || !links.some((link) => link.id === id)) return null;
  if (!user.hasPassword && links.length === 1 && !evenLast) return "last";
  await sql`
    update logins set identity_id = null, provider_session = null where id = ${kept}::bigint and identity_id = ${id}`;
  const gone = await sql<{ id: number }[]>`delete from logins where identity_id = ${id} returning id`;
  await sql`delete from identities where id = ${id}`;
  scope.touchUsers([userId]);
  return gone.map((login) => login.id);
}

function identityOf(row: IdentityRow): Identity {
  const { identity: id, name, picture } = row;
  return { id, name, picture, user: noun(row, "u", USER) };
}
