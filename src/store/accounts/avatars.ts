/** Pictures of rooms and users. A picture has one owner and is deleted with it. Knowing its id is enough to read it. */
import { randomBytes } from "node:crypto";
import type { Picture } from "../../domain/model.ts";
import type { AvatarStore } from "../../domain/ports/store/rooms.ts";
import type { Database } from "../sql/database.ts";
import type { Sql } from "../sql/sql.ts";

/** 256 bits are impossible to guess. */
const ID_BYTES = 32;

export function createAvatarStore(db: Database): AvatarStore {
  const { sql } = db;
  return {
    async get(id) {
      const [row] = await db.read(sql<Picture[]>`select bytes, mime from avatars where id = ${id}`);
      return row ?? null;
    },
  };
}

export function newAvatarId(): string {
  return randomBytes(ID_BYTES).toString("hex");
}

/** Stores the picture of a room that has none. */
export async function keepAvatar(
  sql: Sql,
  roomId: number,
  { id, bytes, mime }: Picture & { id: string },
): Promise<void> {
  await sql`
    insert into avatars (id, conversation_id, bytes, mime) values (${id}, ${roomId}, ${bytes}, ${mime})`;
}

export async function deleteAvatar(sql: Sql, roomId: number): Promise<void> {
  await sql`delete from avatars where conversation_id = ${roomId}`;
}

/** Stores the picture of a user who has none. @param picture its `source` is the attachment that it was made of */
export async function keepUserAvatar(
  sql: Sql,
  userId: number,
  { id, bytes, mime, source }: Picture & { id: string; source: string },
): Promise<void> {
  await sql`
    insert into avatars (id, user_id, bytes, mime, source) values (${id}, ${userId}, ${bytes}, ${mime}, ${source})`;
}

export async function deleteUserAvatar(sql: Sql, userId: number): Promise<void> {
  await sql`delete from avatars where user_id = ${userId}`;
}
