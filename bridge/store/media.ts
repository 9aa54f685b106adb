/** Where the bytes of files are in Matrix. Files that share their bytes share the address, too. */
import type { StoreSql } from "../../src/store/postgres.ts";

export interface BridgeMedia {
  /** The `mxc:` address of the bytes under a key of the file storage, or null. */
  mediaUrl(content: string): Promise<string | null>;
  /** Stores where the bytes are; the first address stays. Nothing happens when their first file is forgotten. */
  putMediaUrl(content: string, url: string): Promise<void>;
}

export function createBridgeMedia(sql: StoreSql): BridgeMedia {
  return {
    async mediaUrl(content) {
      const [row] = await sql<{ url: string }[]>`select url from bridge_media where content = ${content}`;
      return row?.url ?? null;
    },
    async putMediaUrl(content, url) {
      await sql`
        insert into bridge_media (content, url) select a.id, ${url} from attachments a where a.id = ${content}
        on conflict (content) do nothing`;
    },
  };
}
