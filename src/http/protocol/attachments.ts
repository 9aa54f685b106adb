/** `/v1/attachments`: files that are uploaded first and then sent with a message. */
import { createRoute, z } from "@hono/zod-openapi";
import { memberKey } from "../../domain/model.ts";
import { announcedBound, type HttpApp, json } from "../face/face.ts";
import { fileAnswer, fileHeaders } from "../face/file-answer.ts";
import { readUpload, type UploadedFile } from "../face/multipart.ts";
import { repeatable, repeatId } from "../face/repeatable.ts";
import { given, text } from "../requests/fields.ts";
import { type Transfers, untilOver } from "../requests/transfers.ts";
import { callerOf } from "./authentication.ts";
import { formOrJson } from "./bodies.ts";
import { BODY_REFUSALS, REFUSALS } from "./failures.ts";
import { listOf, name, one, pageQuery } from "./kinds.ts";
import { asItIs, type ProtocolParts, pageOf, roomOf } from "./parts.ts";
import { attachmentBody, attachmentSchema } from "./shapes.ts";

/** A file of 25 MiB and the multipart around it. The gateway has the same bound for uploads. */
const MAX_UPLOAD_BYTES = 25 * 1_048_576 + 65_536;
const MAX_FILENAME_LENGTH = 1_000;

export interface FileParts extends ProtocolParts<"attachments" | "finding" | "repeats"> {
  transfers: Transfers;
}

/** Uploads have their own bound, so register this before the bound on other bodies. */
export function registerUpload(app: HttpApp, { useCases, publicUrl, transfers }: FileParts): void {
  // The body is streamed and not compared: the key alone identifies an upload.
  app.use("/v1/attachments", repeatable(useCases.repeats, { bodyless: true }));
  app.openapi(UPLOAD, async (c) => {
    const { actor } = callerOf(c);
    const over = transfers.begin("upload", memberKey(actor), repeatId(c));
    try {
      const upload = (file: UploadedFile) =>
        useCases.attachments.upload(actor, { ...file, ...given({ key: repeatId(c) }) });
      const made = await readUpload(c, MAX_UPLOAD_BYTES, upload);
      return c.json(attachmentBody(made, publicUrl()), 201, { Location: `/v1/attachments/${made.id}` });
    } finally {
      over();
    }
  });
}

export function registerAttachments(app: HttpApp, parts: FileParts): void {
  const { publicUrl, transfers } = parts;
  const { attachments } = parts.useCases;
  app.openapi(ROUTES.list, async (c) => {
    const { actor } = callerOf(c);
    const { conversation_id, ...query } = c.req.valid("query");
    const room = conversation_id && (await roomOf(parts, actor, conversation_id, "conversation_id")).token;
    const page = await attachments.list(actor, { ...pageOf(query, asItIs), ...given({ room }) });
    const data = page.attachments.map((file) => attachmentBody(file, publicUrl()));
    return c.json({ has_more: page.more, data }, 200);
  });
  app.openapi(ROUTES.get, async (c) => {
    const file = await attachments.get(callerOf(c).actor, c.req.valid("param").id);
    return c.json(attachmentBody(file, publicUrl()), 200);
  });
  app.openapi(ROUTES.update, async (c) => {
    const { actor } = callerOf(c);
    const { id } = c.req.valid("param");
    const { filename } = c.req.valid("json");
    const file =
      filename === undefined
        ? await attachments.get(actor, id)
        : (await attachments.rename(actor, id, filename)).file;
    return c.json(attachmentBody(file, publicUrl()), 200);
  });
  app.openapi(ROUTES.delete, async (c) => {
    await attachments.delete(callerOf(c).actor, c.req.valid("param").id);
    return c.body(null, 204);
  });
  app.openapi(ROUTES.file, async (c) => {
    const { actor } = callerOf(c);
    const { id } = c.req.valid("param");
    const file = await attachments.get(actor, id);
    return await fileAnswer(c, {
      ...{ etag: `"${id}"`, size: file.size, headers: fileHeaders(file, "private, no-cache") },
      async open(range) {
        const over = transfers.begin("download", memberKey(actor));
        try {
          return untilOver(await attachments.open(actor, id, range), over);
        } catch (error) {
          over();
          throw error;
        }
      },
    });
  });
}

const UPLOAD = createRoute({
  method: "post",
  path: "/v1/attachments",
  summary:
    "Upload a file of at most 25 MiB for a message that is yet to be sent; at most 4 at once per caller",
  middleware: announcedBound(MAX_UPLOAD_BYTES),
  request: {
    body: {
      required: true,
      content: {
        "multipart/form-data": {
          schema: {
            type: "object" as const,
            properties: { file: { type: "string" as const, format: "binary" } },
            required: ["file"],
          },
        },
      },
    },
  },
  responses: { 201: json(attachmentSchema, "The attachment"), ...BODY_REFUSALS },
});

const ROUTES = {
  list: createRoute({
    method: "get",
    path: "/v1/attachments",
    summary: "List attachments of one or all conversations, newest first",
    request: { query: z.object({ ...pageQuery, conversation_id: name().optional() }) },
    responses: { 200: json(listOf(attachmentSchema), "A page"), ...REFUSALS },
  }),
  get: createRoute({
    method: "get",
    path: "/v1/attachments/{id}",
    summary: "Retrieve an attachment",
    request: one,
    responses: { 200: json(attachmentSchema, "The attachment"), ...REFUSALS },
  }),
  update: createRoute({
    method: "put",
    path: "/v1/attachments/{id}",
    summary: "Rename an attachment",
    request: {
      ...one,
      ...formOrJson("AttachmentUpdate", { filename: text(MAX_FILENAME_LENGTH).optional() }),
    },
    responses: { 200: json(attachmentSchema, "The attachment"), ...BODY_REFUSALS },
  }),
  delete: createRoute({
    method: "delete",
    path: "/v1/attachments/{id}",
    summary: "Delete an attachment; its message stays",
    request: one,
    responses: { 204: { description: "It is gone" }, ...REFUSALS },
  }),
  file: createRoute({
    method: "get",
    path: "/v1/attachments/{id}/file",
    summary: "The file itself, as file_url names it, or a part of it (Range); at most 8 at once per caller",
    request: one,
    responses: {
      200: {
        description: "The bytes",
        content: { "*/*": { schema: z.string().openapi({ format: "binary" }) } },
      },
      206: {
        description: "The bytes that Range asks for",
        content: { "*/*": { schema: z.string().openapi({ format: "binary" }) } },
      },
      304: { description: "If-None-Match names the file: the client has it" },
      416: { description: "The file has no such part; Content-Range tells its size" },
      ...REFUSALS,
    },
  }),
};
