/** Announcing files whose bytes come by HTTP [GW-18]. */
import type { UseCases } from "../../domain/use-cases/use-cases.ts";
import type { Handlers } from "./handlers.ts";

export type FileCommands = Handlers<"upload">;

export function createFileCommands({
  uploads,
  fileLinks,
}: Pick<UseCases, "uploads" | "fileLinks">): FileCommands {
  return {
    // [GW-18.1]
    async upload({ identity }, { filename, type, size, sha256, room }) {
      const { id, expiresAt } = await uploads.begin(identity.actor, { filename, type, size, sha256, room });
      const headers = { "Content-Type": "application/octet-stream" };
      return { attachment: id, url: fileLinks.upload(id, expiresAt), method: "PUT", headers };
    },
  };
}
