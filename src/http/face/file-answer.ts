/**
 * Answers with a file: all of it, one `Range`, or 304 when the client has it already. The content under an entity tag never
 * changes. RFC 9110, sections 13 and 14.
 */
import type { ByteRange } from "../../domain/ports/attachments.ts";
import type { HttpContext } from "./face.ts";

export interface ServedFile {
  /** An entity tag, with its quotes. */
  etag: string;
  /** In bytes. */
  size: number;
  headers: Record<string, string>;
  open(range: ByteRange | undefined): Promise<ReadableStream<Uint8Array>>;
}

export async function fileAnswer(
  c: HttpContext,
  { etag, size, headers, open }: ServedFile,
): Promise<Response> {
  const shared = { ...headers, ETag: etag, "Accept-Ranges": "bytes" };
  if (names(c.req.header("If-None-Match"), etag)) return c.body(null, 304, shared);
  const ifRange = c.req.header("If-Range");
  const range = ifRange === undefined || ifRange === etag ? rangeOf(c.req.header("Range"), size) : undefined;
  if (range === null)
    return c.body(null, 416, { "Content-Range": `bytes */${size}`, "Accept-Ranges": "bytes" });
  const length = range ? range.last - range.first + 1 : size;
  const all = {
    ...shared,
    "Content-Length": String(length),
    ...(range && { "Content-Range": `bytes ${range.first}-${range.last}/${size}` }),
  };
  const status = range ? 206 : 200;
  return c.req.method === "HEAD" ? c.body(null, status, all) : c.body(await open(range), status, all);
}

/** Whether the list of entity tags contains this one, by weak comparison. */
function names(list: string | undefined, etag: string): boolean {
  if (list === undefined) return false;
  return list.split(",").some((tag) => [etag, `W/${etag}`, "*"].includes(tag.trim()));
}

/** @returns undefined for the whole file (no range, several ranges, or an unknown unit); null when the range is outside */
function rangeOf(header: string | undefined, size: number): ByteRange | undefined | null {
  const [, from = "", to = ""] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? "") ?? [];
  if (from === "" && to === "") return undefined;
  if (from === "") return Number(to) === 0 ? null : { first: Math.max(0, size - Number(to)), last: size - 1 };
  if (to !== "" && Number(to) < Number(from)) return undefined;
  if (Number(from) >= size) return null;
  return { first: Number(from), last: to === "" ? size - 1 : Math.min(Number(to), size - 1) };
}

/** Media types in which browsers run no scripts. */
const SHOWN: ReadonlySet<string> = new Set([
  "image/png",
  "image/jpeg",
  "image/gif",
  "image/webp",
  "image/avif",
]);

/** Headers that keep an uploaded file from running as a page of this origin. @param caching `Cache-Control` */
export function fileHeaders(
  { type, filename }: { type: string; filename: string },
  caching: string,
): Record<string, string> {
  return {
    "Content-Type": type,
    "Content-Disposition": `${SHOWN.has(type) ? "inline" : "attachment"}; ${dispositionName(filename)}`,
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": caching,
  };
}

/** The file name of `Content-Disposition`, in an ASCII form for old clients and in full (RFC 6266). */
function dispositionName(filename: string): string {
  const plain = filename.replaceAll(/[^\x20-\x7e]|["%\\]/gu, "_");
  const encoded = encodeURIComponent(filename).replaceAll(
    /['()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16)}`,
  );
  return `filename="${plain}"; filename*=UTF-8''${encoded}`;
}
