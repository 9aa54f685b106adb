/**
 * `/uploads/{id}` and `/files/{id}`: the bytes of files for whoever has a signed URL, so that `<img>`, players and plain HTTP
 * clients need no header. The WebSocket hands the URLs out; PROTOCOL.md, section 18, describes both.
 */
import { type Context, Hono } from "hono";
import { cors } from "hono/cors";
import { DomainError } from "../../domain/errors.ts";
import { NotAsAnnounced } from "../../domain/files/uploads.ts";
import type { PartInput, UploadProgress } from "../../domain/use-cases/files.ts";
import type { UseCases } from "../../domain/use-cases/use-cases.ts";
import type { Logger } from "../../logger.ts";
import { failureHeaders, failureOf, STATUS } from "../answers/failures.ts";
import { failedRequest, type HttpContext, type HttpEnv } from "../face/face.ts";
import { fileAnswer, fileHeaders } from "../face/file-answer.ts";
import { createTransfers, untilOver } from "../requests/transfers.ts";

export const FILE_PATHS = ["/files", "/uploads"] as const;

export interface FilesOptions {
  useCases: Pick<UseCases, "attachments" | "uploads" | "fileLinks" | "clock">;
  logger: Pick<Logger, "error">;
}

/** An office may be behind one address, and its people look at pages of pictures. */
const MAX_DOWNLOADS_OF_ADDRESS = 200;
const MAX_UPLOADS_OF_USER = 4;
const NOT_AS_ANNOUNCED = 422;
const INCOMPLETE = 308;

/** Apps of any origin use the URLs; that is why the headers that say how far an upload is are shown to them. */
const OPEN_TO_BROWSERS = cors({
  origin: "*",
  allowMethods: ["GET", "HEAD", "PUT"],
  exposeHeaders: ["Range", "Content-Range", "Accept-Ranges", "ETag", "Retry-After", "X-Request-Id"],
  maxAge: 600,
});

export function createFiles({ useCases, logger }: FilesOptions): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>();
  app.onError((error, c) => {
    const problem = failureOf(error);
    const { code, message } = problem;
    if (code === "internal")
      logger.error(failedRequest(c, error), "a request failed; it was answered with 500");
    const status = error instanceof NotAsAnnounced ? NOT_AS_ANNOUNCED : STATUS[code];
    return c.json({ error: { code, message } }, status, failureHeaders(problem));
  });
  app.use(OPEN_TO_BROWSERS);
  registerUploads(app, useCases);
  registerDownloads(app, useCases);
  return app;
}

function registerUploads(app: Hono<HttpEnv>, { uploads, fileLinks }: FilesOptions["useCases"]): void {
  const transfers = createTransfers({ upload: MAX_UPLOADS_OF_USER });
  const answer = (c: Context, { received, attachment }: UploadProgress) => {
    // [GW-18.3] The range so far, as in a request; none: nothing was received.
    const headers = received > 0 ? { Range: `bytes=0-${received - 1}` } : {};
    if (!attachment) return c.body(null, INCOMPLETE, headers);
    const { id, filename, type, size } = attachment;
    return c.json({ id, filename, type, size, url: fileLinks.file(id) }, 200, headers);
  };
  app.get("/uploads/:id", async (c) => {
    requireLink(c, "upload", fileLinks);
    return answer(c, await uploads.progress(c.req.param("id")));
  });
  app.put("/uploads/:id", async (c) => {
    requireLink(c, "upload", fileLinks);
    const id = c.req.param("id");
    const range = rangeOf(c);
    if (c.env.bodyTooLarge) throw new NotAsAnnounced("The body is larger than any file may be");
    const over = transfers.begin("upload", (await uploads.progress(id)).owner);
    try {
      return answer(c, await uploads.put(id, { content: bodyOf(c), range }));
    } finally {
      over();
    }
  });
}

function registerDownloads(
  app: Hono<HttpEnv>,
  { attachments, fileLinks, clock }: FilesOptions["useCases"],
): void {
  const transfers = createTransfers({ download: MAX_DOWNLOADS_OF_ADDRESS });
  app.get("/files/:id", async (c) => {
    const { expires } = requireLink(c, "file", fileLinks);
    const { file, open } = await attachments.linked(c.req.param("id"));
    // [GW-18.8] No copy is used for longer than the URL holds.
    const seconds = Math.max(0, Math.floor((expires - clock.now()) / 1_000));
    return await fileAnswer(c, {
      ...{ etag: `"${file.id}"`, size: file.size },
      headers: fileHeaders(file, `private, max-age=${seconds}`),
      async open(range) {
        const over = transfers.begin("download", c.env.ip);
        try {
          return untilOver(await open(range), over);
        } catch (error) {
          over();
          throw error;
        }
      },
    });
  });
}

/** @throws DomainError `forbidden` */
function requireLink(
  c: HttpContext,
  kind: "file" | "upload",
  links: FilesOptions["useCases"]["fileLinks"],
): { expires: number } {
  const { expires = "", signature = "" } = c.req.query();
  const link = { expires: /^\d{1,15}$/.test(expires) ? Number(expires) : 0, signature };
  links.require(kind, c.req.param("id") ?? "", link);
  return link;
}

/** `Content-Range` of the part: `bytes 0-99/500` or `bytes 0-99/*`; null without one. @throws DomainError `bad_request` */
function rangeOf(c: HttpContext): PartInput["range"] {
  const header = c.req.header("Content-Range");
  if (header === undefined) return null;
  const [, first, last, total] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(header) ?? [];
  if (first === undefined || last === undefined)
    throw new DomainError("bad_request", "Content-Range must be as bytes 0-99/500");
  return { first: Number(first), last: Number(last), total: total === "*" ? null : Number(total) };
}

function bodyOf(c: HttpContext): ReadableStream<Uint8Array> {
  return c.req.raw.body ?? new Blob([]).stream();
}
