/** Pictures, kept under the SHA-256 of their bytes: the same picture is stored once, and a key never changes its meaning. */
import { createHash } from "node:crypto";
import type { AvatarStore } from "../domain/ports/store.ts";
import type { Database } from "./database.ts";

export function createAvatarStore(db: Database): AvatarStore {
  const { sql } = db;
  return {
    async put({ bytes, mime }) {
      const id = createHash("sha256").update(bytes).digest("hex");
      await sql`insert into avatars (id, bytes, mime) values (${id}, ${bytes}, ${mime}) on conflict (id) do nothing`;
      return id;
    },
    async get(id) {
      const [row] = await db.read(sql<{ bytes: Uint8Array; mime: string }[]>`
        select bytes, mime from avatars where id = ${id}`);
      return row ?? null;
    },
  };
}
