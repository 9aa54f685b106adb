/**
 * [GW-18.6] URLs of the files of messages. Events in the log and on the bus have none: they are added when a session is told,
 * once for all that are told of the event within a period.
 */
import type { FileLinks } from "../../domain/use-cases/files.ts";

export type FileUrls = Pick<FileLinks, "file" | "period">;

/** What the data of a message with files holds; a text that says so has its quotes escaped. */
const FILES = '"attachments":[{';
const FILES_BYTES = Buffer.from(FILES);

/** Whether an event may tell of files, without parsing it. */
export function mayHaveFiles(type: string, json: string | Uint8Array): boolean {
  if (type !== "message" && type !== "message.edited") return false;
  if (typeof json === "string") return json.includes(FILES);
  return Buffer.from(json.buffer, json.byteOffset, json.byteLength).includes(FILES_BYTES);
}

/** Adds the URLs to the data of a message; other data stays as it is. */
export function addFileUrls(data: Record<string, unknown>, urls: FileUrls): void {
  if (!Array.isArray(data.attachments)) return;
  for (const file of data.attachments as { id: string; url?: string }[]) file.url = urls.file(file.id);
}
