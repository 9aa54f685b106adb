/** Uploads to and downloads from the homeserver's media repository. */
import type { ShownAttachment } from "../../src/domain/model.ts";
import type { AttachmentFiles } from "../../src/domain/ports/attachments.ts";
import { createSemaphore } from "../../src/domain/semaphore.ts";
import type { Ghosts } from "../mapping/ghosts.ts";
import type { Homeserver } from "./homeserver.ts";
import { fieldOf, HomeserverError } from "./homeserver-error.ts";
import type { StreamOptions } from "./streaming.ts";

export interface Media {
  /**
   * Uploads the bytes of an attachment as a ghost. Repeating it makes another copy, to which no event refers.
   * `content` is the key of the bytes.
   * @returns its `mxc:` address
   * @throws MissingFile, HomeserverError, or a DomainError `unavailable` of the file storage
   */
  upload(asUser: string, attachment: ShownAttachment & { content: string }): Promise<string>;
  /** Uploads a text as a file, as {@link upload} does. */
  uploadText(asUser: string, file: { filename: string; type: string; text: string }): Promise<string>;
  /**
   * Downloads the file at an `mxc:` address of this or another homeserver, and streams it to `take`. At most
   * {@link MAX_DOWNLOADS} run at once; others wait.
   * @param part `thumbnail`: a smaller form of a picture, of at most 640 × 480 points
   * @returns the result of `take`; null when the announced size is over `maxBytes`, or the address is invalid
   * @throws HomeserverError, also from the stream; the error of `take`
   */
  download<T>(
    mxc: string,
    maxBytes: number,
    take: (content: ReadableStream<Uint8Array>) => Promise<T>,
    part?: "download" | "thumbnail",
  ): Promise<T | null>;
}

const MAX_DOWNLOADS = 8;
/** How long the homeserver may wait for another homeserver, ms. For a file of its own that is not uploaded it shall not. */
const REMOTE_MS = 20_000;
/** What is asked for, by the part of the path that names it. */
const PARTS = { download: {}, thumbnail: { width: "640", height: "480", method: "scale" } };
/** A server's name, and an id that means something to it alone. */
const MXC = /^mxc:\/\/([A-Za-z0-9.:[\]-]+)\/([A-Za-z0-9_-]+)$/;

/** The file storage does not have the bytes of an attachment. */
export class MissingFile extends Error {
  override readonly name = "MissingFile";
}

export function createMedia(homeserver: Homeserver, ghosts: Ghosts, files: AttachmentFiles): Media {
  const limited = createSemaphore(MAX_DOWNLOADS);

  async function get(server: string, mediaId: string, part: keyof typeof PARTS): Promise<Response> {
    const what = `${encodeURIComponent(server)}/${encodeURIComponent(mediaId)}`;
    const waitMs = server === homeserver.serverName ? 0 : REMOTE_MS;
    const options = { asUser: ghosts.bot, query: { timeout_ms: String(waitMs), ...PARTS[part] } };
    try {
      return await homeserver.stream("GET", `/_matrix/client/v1/media/${part}/${what}`, options);
    } catch (error) {
      // Before Matrix v1.11 media needed no authentication.
      if (!(error instanceof HomeserverError) || error.errcode !== "M_UNRECOGNIZED") throw error;
      return await homeserver.stream("GET", `/_matrix/media/v3/${part}/${what}`, options);
    }
  }

  async function send(asUser: string, filename: string, body: NonNullable<StreamOptions["body"]>) {
    const options = { asUser, query: { filename }, body };
    const answer = await homeserver.stream("POST", "/_matrix/media/v3/upload", options);
    // What is no JSON is a proxy's page, or the beginning of an answer.
    const said = (await answer.json().catch(() => null)) as { content_uri?: string } | null;
    return fieldOf(said, "content_uri");
  }

  return {
    async uploadText(asUser, { filename, type, text }) {
      const bytes = new Blob([text]);
      return await send(asUser, filename, { stream: bytes.stream(), size: bytes.size, type });
    },
    async download(mxc, maxBytes, take, part = "download") {
      const [, server, mediaId] = MXC.exec(mxc) ?? [];
      if (server === undefined || mediaId === undefined) return null;
      return await limited(async () => {
        const { body, headers } = await get(server, mediaId, part);
        try {
          if (!body || Number(headers.get("content-length")) > maxBytes) return null;
          return await take(ReadableStream.from(bytesOf(body)));
        } finally {
          if (!body?.locked) await body?.cancel();
        }
      });
    },
    async upload(asUser, { id, filename, type, size, content }) {
      const stream = await files.open(content);
      if (!stream) throw new MissingFile(`The file storage has no attachment ${id}`);
      try {
        return await send(asUser, filename, { stream, size, type });
      } finally {
        if (!stream.locked) await stream.cancel();
      }
    },
  };
}

async function* bytesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (cause) {
    throw new HomeserverError("A download ended early", { status: 502, errcode: "M_UNKNOWN", cause });
  }
}
