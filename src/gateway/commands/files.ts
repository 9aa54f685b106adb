/** Announcing files whose bytes come by HTTP, and their names [GW-18]. */
import type { UseCases } from "../../domain/use-cases/use-cases.ts";
import { type Handlers, withFields } from "./handlers.ts";

export type FileCommands = Handlers<"upload" | "file.rename">;

export function createFileCommands({
  attachments,
  uploads,
  fileLinks,
}: Pick<UseCases, "attachments" | "uploads" | "fileLinks">): FileCommands {
  return {
    // [GW-18.1]
    async upload({ identity }, { filename, type, size, sha256, room }) {
      const { id, expiresAt } = await uploads.begin(identity.actor, { filename, type, size, sha256, room });
      const headers = { "Content-Type": "application/octet-stream" };
      return { attachment: id, url: fileLinks.upload(id, expiresAt), method: "PUT", headers };
    },

    // [GW-18.9]
    async "file.rename"({ identity }, { attachment, filename: name }) {
      const { file, changed } = await withFields({ id: "attachment" }, () =>
        attachments.rename(identity.actor, attachment, name),
      );
      const { id, filename, type, size } = file;
      return {
        attachment: { id, filename, type, size, url: fileLinks.file(id) },
        ...(!changed && { duplicate: true }),
      };
    },
  };
}
