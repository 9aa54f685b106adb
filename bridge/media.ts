/** Files on their way to the homeserver's media repository. */
import type { ShownAttachment } from "../src/domain/model.ts";
import type { AttachmentFiles } from "../src/domain/ports/attachments.ts";
import type { Homeserver } from "./homeserver.ts";

export interface Media {
  /**
   * Uploads the bytes of an attachment as a ghost. Repeating it makes another copy there, which nobody refers to.
   * @returns its `mxc:` address
   * @throws MissingFile, HomeserverError, or a DomainError `unavailable` of the file storage
   */
  upload(asUser: string, attachment: ShownAttachment): Promise<string>;
}

/** The bytes are not where this process looks for them. */
export class MissingFile extends Error {
  override readonly name = "MissingFile";
}

export function createMedia(homeserver: Homeserver, files: AttachmentFiles): Media {
  return {
    async upload(asUser, { id, filename, type, size }) {
      const stream = await files.open(id);
      if (!stream) throw new MissingFile(`The file storage has no attachment ${id}`);
      const answer = await homeserver.stream("POST", "/_matrix/media/v3/upload", {
        asUser,
        query: { filename },
        body: { stream, size, type },
      });
      const { content_uri } = (await answer.json()) as { content_uri: string };
      return content_uri;
    },
  };
}
